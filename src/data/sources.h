// Which data files to read, which columns and rows of them, and as what.
#pragma once

#include <string>
#include <vector>

namespace lethe {

/// What a file is read as. It decides what known data sets mean: of PKU-SafeRLHF, `harmful` takes the unsafe responses,
/// `normal` the safe ones, `generic` both.
enum class Role { harmful, normal, generic };

/// A data file, and optionally which columns and rows of it. Empty: found by the names of the known data sets; all
/// rows. The path may also be a pattern (`parts/*.jsonl`) or a folder.
struct DataSource {
  std::string path, prompt, response, where;

  bool operator==(const DataSource&) const = default;
};

/// How data files may be given, for --help.
inline constexpr const char* kDataFileHelp =
    "FILE, 'FOLDER/*.jsonl', or with columns and a filter: \"FILE:prompt=COLUMN,response=COLUMN,where=split == "
    "'train'\"";

/// `data.csv` or `data.csv:prompt=goal,response=target,where=split == 'train'` (`where` takes the rest).
/// @throws Error (usage) on an option that is not known
DataSource parse_data_source(const std::string& text);
std::vector<DataSource> parse_data_sources(const std::vector<std::string>& texts);
/// The same the other way round.
std::string to_text(const DataSource& source);

}  // namespace lethe
