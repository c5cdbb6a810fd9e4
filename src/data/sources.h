// Data sources: file, columns, rows and role, as the user gives them.
#pragma once

#include <string>
#include <vector>

namespace lethe {

/// The role in which a file is read. From PKU-SafeRLHF, for example, `harmful` takes the unsafe responses, `normal` the
/// safe ones, `generic` both.
enum class Role { harmful, normal, generic };

/// A data file, and optionally its columns and rows. Empty: the columns are recognised by name; all rows. The path may
/// also be a pattern (`parts/*.jsonl`) or a folder.
struct DataSource {
  std::string path, prompt, response, where;

  bool operator==(const DataSource&) const = default;
};

/// The syntax of data files, for --help.
inline constexpr const char* kDataFileHelp =
    "FILE, 'FOLDER/*.jsonl', or \"FILE:prompt=COLUMN,response=COLUMN,where=split == "
    "'train'\"";

/// `data.csv` or `data.csv:prompt=goal,response=target,where=split == 'train'` (`where` takes the rest).
/// @throws Error (usage) for an unknown option
DataSource parse_data_source(const std::string& text);
std::vector<DataSource> parse_data_sources(const std::vector<std::string>& texts);
/// The inverse of parse_data_source().
std::string to_text(const DataSource& source);

}  // namespace lethe
