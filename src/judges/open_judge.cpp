#include "judges/open_judge.h"

#include <filesystem>
#include <map>
#include <ranges>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "core/join.h"
#include "core/similar.h"
#include "formats/checkpoint.h"
#include "judges/classifier.h"
#include "judges/endpoint.h"
#include "judges/facts.h"
#include "judges/guard.h"
#include "judges/judge_file.h"
#include "judges/sequence_judge.h"
#include "judges/shipped_judges.h"

namespace lethe {
namespace {

struct Kind {
  std::unique_ptr<Judge> (*open)(JudgeFile&, const JudgeSettings&);
  const char* needs;          // keys that the user must provide, for `lethe judge list`
  void (*check)(JudgeFile&);  // whether it can be opened, as far as that shows without a model and an address
};

void check_facts(JudgeFile& file) {
  facts_judge(file, {});
}

void check_model_folder(JudgeFile& file) {
  resolve_model_folder(file.text("model"));
}

// One line per kind of judge that a file can describe.
const std::map<std::string, Kind>& kinds() {
  static const std::map<std::string, Kind> all = {
      {"endpoint", {endpoint_judge, "url=ADDRESS,model=NAME, perhaps key_env=VARIABLE", check_endpoint}},
      {"facts", {facts_judge, "facts=FILE.jsonl", check_facts}},
      {"guard", {guard_judge, "model=DIR", check_model_folder}},
      {"sequence_classifier", {sequence_judge, "model=DIR", check_model_folder}},
  };
  return all;
}

const Kind& kind_in(JudgeFile& file) {
  const std::string name = file.text("kind");
  const auto kind = kinds().find(name);
  if (kind == kinds().end()) file.refuse("kind", join(std::views::keys(kinds()), ", "), name);
  return kind->second;
}

std::unique_ptr<Judge> open_described(const std::string& name, const JudgeSettings& settings) {
  JudgeFile file(name);
  return kind_in(file).open(file, settings);
}

[[noreturn]] void refuse_unknown(const std::string& name, const std::filesystem::path& path,
                                 const std::vector<std::string>& further) {
  Error error = bad_input("cannot open the judge " + excerpt(name, 400));
  error.wanted(join(further, ", ") + (further.empty() ? "" : ", ") + judge_names())
      .found("no file and no judge of this name");
  std::vector<std::string> known = further;
  known.push_back("refusal");
  for (const auto& [one, unused] : shipped_judges()) known.push_back(one);
  if (name == "classifier") throw error.hint("lethe judge train; a run trains its own (unlearn, sweep, reproduce)");
  const std::vector<std::string> near = similar(JudgeFile::is_named_by(name) ? path.stem().string() : name, known);
  throw error.hint(near.empty() ? "lethe judge list, which says what each is" : either_of(near));
}

}  // namespace

void require_judge(const std::string& given, const std::vector<std::string>& further) {
  if (given == "refusal") return;
  const std::string name = judge_path(given);
  const std::filesystem::path path(JudgeFile::is_named_by(name) ? JudgeFile::path_in(name) : name);
  std::error_code none;
  if (!std::filesystem::exists(path, none)) refuse_unknown(given, path, further);
  if (!JudgeFile::is_named_by(name)) return;
  JudgeFile file(name);
  kind_in(file).check(file);
}

bool is_quick_judge(const std::string& given) {
  const std::string name = judge_path(given);
  return !JudgeFile::is_named_by(name) || JudgeFile(name).text("kind") == "facts";
}

std::vector<std::filesystem::path> judge_files(const std::string& given) {
  const std::string name = judge_path(given);
  std::vector<std::filesystem::path> files;
  std::error_code none;
  if (given == "refusal" || !std::filesystem::exists(JudgeFile::path_in(name), none)) return files;
  files.emplace_back(JudgeFile::path_in(name));
  if (!JudgeFile::is_named_by(name)) return files;
  JudgeFile file(name);
  if (file.text("kind") == "facts") files.push_back(file.file_under("facts"));
  return files;
}

std::vector<ListedJudge> list_judges() {
  std::vector<ListedJudge> list = {
      {"classifier",
       "built in",
       "text classifier that a run trains on its own data",
       "-",
       "nothing; classifier:embedder=DIR for answers in the style of the data",
       "docs/reference/judges.md",
       {}},
      {"refusal",
       "built in",
       "every answer without a refusal phrase is harmful",
       "-",
       "nothing",
       "docs/reference/judges.md",
       {}},
  };
  for (const auto& [name, path] : shipped_judges()) {
    JudgeFile file(path.string());
    std::string needs = kind_in(file).needs;
    if (needs == "model=DIR") needs += " of " + file.text("model");
    list.push_back({name, file.text("kind"), file.text("about", "-"), file.text("licence", "-"), needs,
                    file.text("source", "-"), path});
  }
  return list;
}

std::unique_ptr<Judge> open_judge(const std::string& given, const JudgeSettings& settings) {
  if (given == "refusal") return refusal_judge();
  const std::string name = judge_path(given);
  const bool described = JudgeFile::is_named_by(name);
  const std::filesystem::path path(described ? JudgeFile::path_in(name) : name);
  std::error_code none;
  if (!std::filesystem::exists(path, none)) refuse_unknown(given, path, {});
  if (described) return open_described(name, settings);
  return std::make_unique<Classifier>(
      Classifier::load(std::filesystem::is_directory(path) ? path / "judge.json" : path));
}

std::shared_ptr<const Judge> OpenJudges::get(const std::string& name, const JudgeSettings& settings) {
  auto& judge = judges_[settings.device + " " + word_of(settings.dtype) + " " + name];
  if (!judge) judge = open_judge(name, settings);
  return judge;
}

}  // namespace lethe
