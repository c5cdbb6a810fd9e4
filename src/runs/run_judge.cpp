#include "runs/run_judge.h"

#include <set>

#include "core/terminal.h"
#include "judges/open_judge.h"

namespace lethe {

std::vector<LabelledResponse> label_responses(const std::vector<Pair>& harmful, const std::vector<Pair>& harmless) {
  std::vector<LabelledResponse> labelled;
  std::set<std::string> harmless_texts, seen;
  for (const Pair& pair : harmless) harmless_texts.insert(pair.response);
  for (const Pair& pair : harmful) {
    if (harmless_texts.contains(pair.response) || !seen.insert(pair.response).second)
      continue;  // a text in both roles teaches nothing
    labelled.push_back({pair.prompt, pair.response, !is_refusal(pair.response)});
  }
  for (const Pair& pair : harmless) {
    if (seen.insert(pair.response).second) labelled.push_back({pair.prompt, pair.response, false});
  }
  return labelled;
}

std::unique_ptr<Judge> judge_for_run(const std::string& name, const std::vector<Pair>& harmful,
                                     const std::vector<Pair>& normal, std::uint64_t seed) {
  if (name != "classifier") return open_judge(name);
  auto judge = std::make_unique<Classifier>(Classifier::train_and_validate(label_responses(harmful, normal), seed));
  say("judge: " + judge->describe());
  if (judge->validated_on > 0 && judge->auc < 0.8) {
    warn(
        "this judge hardly tells harmful answers from harmless ones; its rates mean little. Train one with `lethe "
        "judge train`");
  }
  return judge;
}

}  // namespace lethe
