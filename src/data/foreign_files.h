// Files that are no rows of text: what each is, and how to make data of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace lethe {

/// A kind of file that is not read.
struct ForeignFile {
  std::string what;    ///< "an Excel workbook"
  std::string advice;  ///< how to export it; may be empty
};

/// How many of a file's first bytes tell what it is.
inline constexpr std::size_t kTellingBytes = 1024;

/// By the first bytes of a file (decompressed, if it is gzip). @param path  the name, where bytes alone do not tell
std::optional<ForeignFile> foreign_by_content(std::string_view begin, const std::filesystem::path& path);
/// By the name alone.
std::optional<ForeignFile> foreign_by_name(const std::filesystem::path& path);

/// hf://…, https://…, s3://…
bool is_address(std::string_view path);

/// Refuses a path that is an address, no file, or of a kind that is not read.
/// @param by_name  also by the name, where the first bytes do not tell
/// @throws Error (bad input) that says what it is and how to export it
void refuse_foreign(const std::filesystem::path& path, bool by_name);

}  // namespace lethe
