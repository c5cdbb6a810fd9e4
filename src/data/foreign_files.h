// Recognises files that are not text rows, and says how to export them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace lethe {

/// A kind of file that Lethe does not read.
struct ForeignFile {
  std::string what;    ///< "an Excel workbook"
  std::string advice;  ///< how to export it; may be empty
};

/// How many bytes from the beginning identify a file.
inline constexpr std::size_t kTellingBytes = 1024;

/// Identifies a file by its first bytes (decompressed, if gzip). @param path  its name, if the bytes are ambiguous
std::optional<ForeignFile> foreign_by_content(std::string_view begin, const std::filesystem::path& path);
/// Identifies a file by its name alone.
std::optional<ForeignFile> foreign_by_name(const std::filesystem::path& path);

/// Whether it is a URL: hf://…, https://…, s3://…
bool is_address(std::string_view path);

/// Refuses a path that is a URL, not a file, or a foreign file.
/// @param by_name  also check the name, if the first bytes are ambiguous
/// @throws Error (bad input) saying what it is and how to export it
void refuse_foreign(const std::filesystem::path& path, bool by_name);

}  // namespace lethe
