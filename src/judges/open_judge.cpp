#include "judges/open_judge.h"

#include <filesystem>
#include <map>

#include "judges/classifier.h"
#include "judges/endpoint.h"
#include "judges/guard.h"
#include "judges/judge_file.h"
#include "judges/sequence_judge.h"

namespace lethe {
namespace {

using Opener = std::unique_ptr<Judge> (*)(JudgeFile&, const JudgeSettings&);

// One line a kind of judge that a file describes.
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
  if (opener == kinds().end()) {
    std::string known;
    for (const auto& [one, unused] : kinds()) known += (known.empty() ? "" : ", ") + one;
    file.refuse("kind", known, kind);
  }
  return opener->second(file, settings);
}

}  // namespace

std::unique_ptr<Judge> open_judge(const std::string& name, const JudgeSettings& settings) {
  if (name == "refusal") return refusal_judge();
  if (JudgeFile::is_named_by(name)) return open_described(name, settings);
  const std::filesystem::path path(name);
  return std::make_unique<Classifier>(
      Classifier::load(std::filesystem::is_directory(path) ? path / "judge.json" : path));
}

std::shared_ptr<const Judge> OpenJudges::get(const std::string& name, const JudgeSettings& settings) {
  auto& judge = judges_[settings.device + " " + settings.dtype + " " + name];
  if (!judge) judge = open_judge(name, settings);
  return judge;
}

}  // namespace lethe
