#include "judges/open_judge.h"

#include <filesystem>
#include <map>
#include <ranges>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "core/join.h"
#include "core/similar.h"
#include "judges/classifier.h"
#include "judges/endpoint.h"
#include "judges/guard.h"
#include "judges/judge_file.h"
#include "judges/sequence_judge.h"
#include "judges/shipped_judges.h"

namespace lethe {
namespace {

using Opener = std::unique_ptr<Judge> (*)(JudgeFile&, const JudgeSettings&);

// One line per kind of judge that a file can describe.
const std::map<std::string, Opener>& kinds() {
  static const std::map<std::string, Opener> all = {
      {"endpoint", endpoint_judge},
      {"guard", guard_judge},
      {"sequence_classifier", sequence_judge},
  };
  return all;
}

std::unique_ptr<Judge> open_described(const std::string& name, const JudgeSettings& settings) {
  JudgeFile file(name);
  const std::string kind = file.text("kind");
  const auto opener = kinds().find(kind);
  if (opener == kinds().end()) file.refuse("kind", join(std::views::keys(kinds()), ", "), kind);
  return opener->second(file, settings);
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
  if (!near.empty()) error.hint(either_of(near));
  throw error;
}

}  // namespace

void require_judge(const std::string& given, const std::vector<std::string>& further) {
  if (given == "refusal") return;
  const std::string name = judge_path(given);
  const std::filesystem::path path(JudgeFile::is_named_by(name) ? JudgeFile::path_in(name) : name);
  std::error_code none;
  if (!std::filesystem::exists(path, none)) refuse_unknown(given, path, further);
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
