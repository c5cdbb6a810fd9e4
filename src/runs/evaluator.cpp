#include "runs/evaluator.h"

#include "core/error.h"
#include "core/terminal.h"
#include "evaluation/answering.h"
#include "evaluation/prompt_length.h"
#include "evaluation/safe_prompts.h"
#include "runs/run_judge.h"

namespace lethe {
namespace {

// Learns the words and word order of every answer in the data.
DegenerateDetector detector_for(const RunData& data) {
  std::vector<std::string> texts;
  for (const Split* split : {&data.harmful, &data.normal}) {
    for (const auto* pairs : {&split->train, &split->validation, &split->test}) {
      for (const Pair& pair : *pairs) texts.push_back(pair.response);
    }
  }
  DegenerateDetector detector(texts);
  if (const std::string blind = detector.blind_spot(); !blind.empty()) warn(blind);
  return detector;
}

EvaluationSets further_sets(const EvaluationSettings& settings, RunRecord* run) {
  EvaluationSets sets;
  load_further_sets(settings, sets, run);
  return sets;
}

}  // namespace

bool asks_judge(const Recipe& recipe) {
  return recipe.evaluation.prompts > 0 && recipe.evaluation.judge != std::vector<std::string>{"none"};
}

bool attacks_result(const Recipe& recipe) {
  return recipe.evaluation.attacks != std::vector<std::string>{"none"};
}

Evaluator::Evaluator(const Recipe& recipe, const StoredModel& original, RunData& data, RunRecord* run,
                     OpenJudges* opened)
    : tokenizer_(original.tokenizer),
      data_(data),
      detector_(detector_for(data)),
      further_(further_sets(recipe.evaluation, run)),
      panel_(panel_for_run(recipe, data, further_.other, opened)),
      options_(evaluation_options(recipe, original.checkpoint, original.spec.max_positions)),
      overlap_(recipe.evaluation.overlap),
      run_(run),
      plan_alone_(recipe.data.harmful.empty()) {}

ModelComparison Evaluator::comparison(HeldOut part) const {
  const auto held_out = [&](const Split& split) -> const std::vector<Pair>& {
    return part == HeldOut::test ? split.test : split.validation;
  };
  EvaluationSets sets = further_;
  if (sets.built_in_safe && part == HeldOut::validation) sets.safe = safe_prompts(SafePromptPart::choice);
  sets.seen = questions_of(data_.harmful.train);
  sets.unseen = questions_of(held_out(data_.harmful));
  sets.normal = questions_of(held_out(data_.normal));
  std::vector<Question> trained = sets.seen;
  const std::vector<Question> normal_train = questions_of(data_.normal.train);
  trained.insert(trained.end(), normal_train.begin(), normal_train.end());
  std::vector<std::string> keep;
  if (plan_alone_) keep = {"unseen", "normal"};
  if (sets.normal.empty()) {  // better those trained on than none
    sets.normal = normal_train;
    keep.emplace_back("normal");
  }
  leave_out_overlap(sets, trained, overlap_, run_, keep);
  leave_out_long(sets, tokenizer_, options_, run_);
  return ModelComparison(tokenizer_, data_.examples, panel_, detector_, options_,
                         {std::move(sets), data_.normal.train, held_out(data_.normal)});
}

std::vector<Question> Evaluator::validation_prompts(std::size_t count) const {
  EvaluationSets sets;
  sets.seen = questions_of(data_.harmful.train);
  sets.unseen = questions_of(data_.harmful.validation);
  std::vector<std::string> keep;
  if (plan_alone_) keep = {"unseen"};
  leave_out_overlap(sets, sets.seen, overlap_, nullptr, keep);
  leave_out_long(sets, tokenizer_, options_, nullptr);
  if (sets.unseen.empty())
    throw bad_input("cannot evaluate during training (evaluation.every)")
        .wanted("harmful validation prompts that were not trained on and fit into the model's positions")
        .found("none");
  return choose_questions(sets.unseen, count, options_.seed);
}

SetResult Evaluator::judged_answers(const CausalLM& model, const std::vector<Question>& prompts,
                                    const std::string& title) const {
  EvaluationSets sets;
  sets.unseen = prompts;
  return evaluate_model(model, tokenizer_, sets, panel_, detector_, options_, title).unseen;
}

JudgedAnswer Evaluator::judged_answer(const std::string& prompt, const std::string& response) const {
  JudgedAnswer answer{prompt, response};
  const Exchange exchange{prompt, response};
  answer.verdicts = panel_.judge(std::span(&exchange, 1), "the answer").at(0);
  answer.threshold = panel_.threshold();
  answer.degeneracy = detector_.check(response);
  answer.refuses = refuses(response, options_);
  return answer;
}

}  // namespace lethe
