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

const std::vector<Pair>& held_out(const Split& split, HeldOut part) {
  return part == HeldOut::test ? split.test : split.validation;
}

// Whether there are only the rows of data.plan, which are used for training and evaluation.
bool is_plan_alone(const Recipe& recipe) {
  return recipe.data.harmful.empty();
}

}  // namespace

EvaluationSets sets_of_run(const Recipe& recipe, const RunData& data, const Tokenizer& tokenizer,
                           const EvaluationOptions& options, HeldOut part, EvaluationSets further, RunRecord* run) {
  EvaluationSets sets = std::move(further);
  if (sets.built_in_safe && part == HeldOut::validation) sets.safe = safe_prompts(SafePromptPart::choice);
  sets.seen = questions_of(data.harmful.train);
  sets.unseen = questions_of(held_out(data.harmful, part));
  sets.normal = questions_of(held_out(data.normal, part));
  std::vector<Question> trained = sets.seen;
  const std::vector<Question> normal_train = questions_of(data.normal.train);
  trained.insert(trained.end(), normal_train.begin(), normal_train.end());
  std::vector<std::string> keep;
  if (is_plan_alone(recipe)) keep = {"unseen", "normal"};
  if (sets.normal.empty()) {  // better those trained on than none
    sets.normal = normal_train;
    keep.emplace_back("normal");
  }
  leave_out_overlap(sets, trained, recipe.evaluation.overlap, run, keep);
  leave_out_long(sets, tokenizer, options, run);
  sets.trained_on = std::move(keep);
  return sets;
}

bool asks_judge(const Recipe& recipe) {
  return recipe.evaluation.prompts > 0 && recipe.evaluation.judge != std::vector<std::string>{"none"};
}

bool attacks_result(const Recipe& recipe) {
  return recipe.evaluation.attacks != std::vector<std::string>{"none"};
}

Evaluator::Evaluator(const Recipe& recipe, const StoredModel& original, RunData& data, RunRecord* run,
                     OpenJudges* opened)
    : recipe_(recipe),
      tokenizer_(original.tokenizer),
      data_(data),
      detector_(detector_for(data)),
      further_(further_sets(recipe.evaluation, run)),
      panel_(panel_for_run(recipe, data, further_.other, opened)),
      options_(evaluation_options(recipe, original.checkpoint, original.spec.max_positions)),
      run_(run) {}

ModelComparison Evaluator::comparison(HeldOut part) const {
  return ModelComparison(tokenizer_, data_.examples, panel_, detector_, options_,
                         {sets_of_run(recipe_, data_, tokenizer_, options_, part, further_, run_), data_.normal.train,
                          held_out(data_.normal, part)});
}

std::vector<Question> Evaluator::validation_prompts(std::size_t count) const {
  EvaluationSets sets;
  sets.seen = questions_of(data_.harmful.train);
  sets.unseen = questions_of(data_.harmful.validation);
  std::vector<std::string> keep;
  if (is_plan_alone(recipe_)) keep = {"unseen"};
  leave_out_overlap(sets, sets.seen, recipe_.evaluation.overlap, nullptr, keep);
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
