#include "runs/examiner.h"

#include <algorithm>

#include "core/terminal.h"
#include "runs/run_judge.h"

namespace lethe {
namespace {

// Prompts to ask: trained on, held out, and normal ones held out (trained on where none are).
EvaluationSets sets_of(const RunData& data, HeldOut part) {
  const auto held_out = [&](const Split& split) {
    return questions_of(part == HeldOut::test ? split.test : split.validation);
  };
  EvaluationSets sets{questions_of(data.harmful.train), held_out(data.harmful), held_out(data.normal)};
  if (sets.normal.empty()) sets.normal = questions_of(data.normal.train);
  return sets;
}

bool trains_judge(const Recipe& recipe) {
  const auto& judges = recipe.evaluation.judge;
  return std::find(judges.begin(), judges.end(), "classifier") != judges.end();
}

std::vector<Pair> joined(std::vector<Pair> a, const std::vector<Pair>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Every real answer of the data: what whole text looks like.
DegenerateDetector detector_for(const RunData& data) {
  std::vector<std::string> texts;
  for (const Split* split : {&data.harmful, &data.normal}) {
    for (const auto* pairs : {&split->train, &split->validation, &split->test}) {
      for (const Pair& pair : *pairs) texts.push_back(pair.response);
    }
  }
  return DegenerateDetector(texts);
}

// The classifier learns from answers that were not trained on; from all of them where those are too few.
Panel panel_of(const Recipe& recipe, const RunData& data) {
  auto harmful = joined(data.harmful.validation, data.harmful.test),
       normal = joined(data.normal.validation, data.normal.test);
  if (trains_judge(recipe) && (harmful.size() < 50 || normal.size() < 50)) {
    warn("few answers are held out, so the judge also learns from answers trained on");
    harmful = joined(harmful, data.harmful.train);
    normal = joined(normal, data.normal.train);
  }
  std::vector<std::shared_ptr<const Judge>> judges;
  for (const std::string& name : recipe.evaluation.judge)
    judges.push_back(judge_for_run(name, harmful, normal, recipe.seed));
  return Panel(std::move(judges), recipe.evaluation.threshold);
}

}  // namespace

bool asks_judge(const Recipe& recipe) {
  return recipe.evaluation.prompts > 0 && recipe.evaluation.judge != std::vector<std::string>{"none"};
}

Examiner::Examiner(const Recipe& recipe, const Checkpoint& base, const Tokenizer& tokenizer, ExampleMaker& examples,
                   const RunData& data)
    : tokenizer_(tokenizer),
      examples_(examples),
      data_(data),
      detector_(detector_for(data)),
      panel_(panel_of(recipe, data)),
      options_(evaluation_options(recipe, base)) {}

ModelComparison Examiner::comparison(HeldOut part) const {
  return ModelComparison(
      tokenizer_, examples_, panel_, detector_, options_,
      {sets_of(data_, part), data_.normal.train, part == HeldOut::test ? data_.normal.test : data_.normal.validation});
}

}  // namespace lethe
