#include "benchmarks/choice_files.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/trimmed.h"
#include "data/fields.h"
#include "data/readers.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// Up to the folder's subfolders' subfolders: data/test/x.csv.
std::vector<fs::path> data_files(const fs::path& folder) {
  constexpr int kDeepest = 2;
  std::vector<fs::path> files;
  std::error_code failed, none;
  for (auto entry = fs::recursive_directory_iterator(folder, failed); entry != fs::recursive_directory_iterator();
       entry.increment(failed)) {
    if (failed) break;
    if (entry.depth() >= kDeepest) entry.disable_recursion_pending();
    std::string name = entry->path().filename().string();
    if (name.starts_with(".") || !entry->is_regular_file(none)) continue;
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
    for (const char* ending : {".json", ".jsonl", ".csv", ".tsv", ".parquet"}) {
      if (name.ends_with(ending)) files.push_back(entry->path());
    }
  }
  if (failed) throw bad_input("cannot read the folder " + folder.string()).found(failed.message());
  std::sort(files.begin(), files.end());
  return files;
}

// "abstract_algebra_test" of abstract_algebra_test.csv.gz
std::string stem_of(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.substr(0, name.find('.'));
}

// Whether a file belongs to this split: test/x.csv, x_test.csv, test.jsonl, test-00000-of-00001.parquet.
bool is_of_split(const fs::path& file, const std::string& split) {
  const std::string stem = stem_of(file);
  return file.parent_path().filename() == split || stem == split || stem.starts_with(split + "-") ||
         stem.ends_with("_" + split) || stem.ends_with("-" + split);
}

std::vector<fs::path> test_files(const std::vector<fs::path>& files) {
  std::vector<fs::path> tests, others;
  for (const fs::path& file : files) {
    const auto is = [&](const char* split) { return is_of_split(file, split); };
    if (is("test")) tests.push_back(file);
    if (!is("dev") && !is("val") && !is("validation") && !is("train") && !is("auxiliary_train")) others.push_back(file);
  }
  return tests.empty() ? others : tests;
}

// The Hub stores all subjects a second time in the folder "all".
std::vector<fs::path> without_copies(const std::vector<fs::path>& files) {
  std::vector<fs::path> all;
  for (const fs::path& file : files) {
    if (file.parent_path().filename() == "all") all.push_back(file);
  }
  return all.empty() ? files : all;
}

// WMDP's part by the name of the file, else of its folder: wmdp-bio/test-00000-of-00001.parquet.
std::pair<std::string, std::string> wmdp_part(const fs::path& file) {
  constexpr std::array<std::pair<const char*, const char*>, 3> kParts = {
      {{"bio", "biology"}, {"chem", "chemistry"}, {"cyber", "cybersecurity"}}};
  for (const fs::path& name : {file.filename(), file.parent_path().filename()}) {
    for (const auto& [part, subject] : kParts) {
      if (name.string().find(part) != std::string::npos) return {part, subject};
    }
  }
  return {};
}

// "abstract algebra" of abstract_algebra_test.csv; "" if the name tells only the benchmark or the split.
std::string mmlu_subject(const fs::path& file) {
  std::string stem = stem_of(file);
  for (const char* split : {"_test", "-test", "_dev", "_val"}) {
    const std::string ending = split;
    if (stem.ends_with(ending)) stem.resize(stem.size() - ending.size());
  }
  const bool plain = stem == "mmlu" || stem == "data" || stem == "questions" || stem.starts_with("test");
  return plain ? "" : stem;
}

// MMLU's own CSV files: six fields and no header. The last one of the first line is the right letter.
bool first_line_is_question(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.find(".csv") == std::string::npos) return false;
  ReadOptions options;
  options.columns = {"question", "A", "B", "C", "D", "answer"};
  RowReader reader(file, options);
  const std::optional<Row> first = reader.next();
  if (!first || first->line != 1) return false;
  const std::string answer(trimmed(first->fields.at("answer").get<std::string>()));
  return answer.size() == 1 && answer[0] >= 'A' && answer[0] <= 'D';
}

}  // namespace

std::vector<ChoiceFile> choice_files(const std::string& name, const fs::path& place) {
  const bool wmdp = name == "wmdp";
  std::error_code none;
  const bool is_folder = fs::is_directory(place, none);
  const std::vector<fs::path> paths =
      is_folder ? without_copies(test_files(data_files(place))) : std::vector<fs::path>{place};
  std::vector<ChoiceFile> files;
  for (const fs::path& path : paths) {
    ChoiceFile file{path, "", "", !first_line_is_question(path)};
    if (wmdp) {
      std::tie(file.set, file.subject) = wmdp_part(path);
      if (file.set.empty() && is_folder) continue;
    } else {
      file.subject = mmlu_subject(path);
    }
    files.push_back(std::move(file));
  }
  if (files.empty()) {
    throw bad_input("cannot find the questions of " + name)
        .with("folder", place.string())
        .wanted(wmdp ? "files whose names hold bio, chem or cyber (wmdp-bio.jsonl, bio_questions.json)"
                     : "files of questions (test/abstract_algebra_test.csv, mmlu.jsonl)")
        .found("none");
  }
  return files;
}

}  // namespace lethe
