#include "runs/examiner.h"

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
      panel_(panel_for_run(recipe, data)),
      options_(evaluation_options(recipe, base)) {}

ModelComparison Examiner::comparison(HeldOut part) const {
  return ModelComparison(
      tokenizer_, examples_, panel_, detector_, options_,
      {sets_of(data_, part), data_.normal.train, part == HeldOut::test ? data_.normal.test : data_.normal.validation});
}

}  // namespace lethe
