#include "data/folders.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <ranges>
#include <set>
#include <string>

#include "core/error.h"
#include "core/join.h"
#include "core/terminal.h"
#include "data/fields.h"
#include "data/foreign_files.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// ".jsonl" of "a.jsonl.gz"; "" if it is not a data file.
std::string format_of(const fs::path& path) {
  std::string name = column_key(path.filename().string());
  if (name.starts_with(".")) return "";
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  for (const char* format : {".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet"}) {
    if (name.ends_with(format)) return format;
  }
  return "";
}

// The split named in a file name: "train-00000-of-00002.parquet" is train.
std::string part_of(const fs::path& path) {
  const std::string name = column_key(path.filename().string());
  for (const char* part : {"train", "test", "valid", "dev", "eval"}) {
    if (name.starts_with(part)) return part;
  }
  return "";
}

std::string names_of(const std::vector<fs::path>& files) {
  constexpr std::size_t most = 6;
  const auto shown = files | std::views::take(most) |
                     std::views::transform([](const fs::path& file) { return excerpt(file.filename().string(), 60); });
  return join(shown, ", ") + (files.size() > most ? ", …" : "");
}

std::vector<fs::path> files_of_folder(const fs::path& folder) {
  if (fs::exists(folder / "state.json") || fs::exists(folder / "dataset_dict.json")) {
    const bool several = fs::exists(folder / "dataset_dict.json");
    throw bad_input("cannot read " + folder.string())
        .wanted("a data file")
        .found("a folder as save_to_disk() of the datasets library writes it (Arrow)")
        .hint("python -c \"from datasets import load_from_disk; load_from_disk('" + folder.string() + "')" +
              (several ? "['train']" : "") + ".to_json('data.jsonl')\"");
  }
  std::vector<fs::path> files, others;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    const bool is_data = entry.is_regular_file() && !format_of(entry.path()).empty();
    (is_data ? files : others).push_back(entry.path());
  }
  if (failed) throw bad_input("cannot read the folder " + folder.string()).found(failed.message());
  std::sort(files.begin(), files.end());
  std::sort(others.begin(), others.end());
  if (files.empty()) {
    Error error = bad_input("cannot read " + folder.string());
    error.wanted("a data file").found("a folder without data files" + (others.empty() ? "" : ": " + names_of(others)));
    throw error.hint("name the files, with * for several: " + (folder / "*.jsonl").string());
  }
  std::set<std::string> formats, parts;
  for (const fs::path& file : files) {
    formats.insert(format_of(file));
    parts.insert(part_of(file));
  }
  if (formats.size() > 1 || parts.size() > 1) {
    throw bad_input("cannot read " + folder.string())
        .wanted("files of one set of rows")
        .found("a folder of different files: " + names_of(files))
        .hint(
            "name the files that you mean, with * for several: " +
            (folder / ((parts.size() > 1 && !parts.rbegin()->empty() ? *parts.rbegin() : "") + "*" + *formats.begin()))
                .string());
  }
  say("reading " + with_commas(files.size()) +
      " files of a folder: " + excerpt((folder / ("*" + *formats.begin())).string(), 300));
  return files;
}

std::vector<fs::path> files_of_pattern(const std::string& pattern) {
  std::vector<fs::path> files;
  glob_t found{};
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      std::error_code none;
      if (!fs::is_directory(found.gl_pathv[i], none)) files.emplace_back(found.gl_pathv[i]);
    }
  }
  globfree(&found);
  std::sort(files.begin(), files.end());
  if (files.empty()) throw bad_input("cannot read " + pattern).wanted("at least one file of this name").found("none");
  return files;
}

}  // namespace

std::vector<DataSource> expand_sources(std::span<const DataSource> sources) {
  std::vector<DataSource> expanded;
  for (const DataSource& source : sources) {
    std::error_code none;
    std::vector<fs::path> files;
    if (fs::is_directory(source.path, none)) {
      files = files_of_folder(source.path);
    } else if (!fs::exists(source.path, none) && source.path.find_first_of("*?[") != std::string::npos &&
               !is_address(source.path)) {
      files = files_of_pattern(source.path);
    } else {
      expanded.push_back(source);
      continue;
    }
    for (const fs::path& file : files) {
      expanded.push_back(source);
      expanded.back().path = file.string();
    }
  }
  return expanded;
}

}  // namespace lethe
