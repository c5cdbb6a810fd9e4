#include "server/page_judge.h"

#include <utility>

#include "core/error.h"

namespace lethe {
namespace {

// Only what judging needs: no learned metrics, no further prompts but those that the classifier must not have seen.
Recipe for_judging(Recipe recipe) {
  EvaluationSettings wanted;
  wanted.judge = {recipe.evaluation.judge.at(0)};
  wanted.threshold = recipe.evaluation.threshold;
  wanted.max_new_tokens = recipe.evaluation.max_new_tokens;
  wanted.other = recipe.evaluation.other;
  wanted.safe_prompts = false;
  recipe.evaluation = std::move(wanted);
  return recipe;
}

}  // namespace

PageJudge::PageJudge(const ComparedRun& run) {
  std::string why = run.judge_withheld();
  try {
    if (why.empty()) open(run);
    if (why.empty() && evaluator_->panel().judge(0).costs_money()) {
      evaluator_.reset();
      why = "the run's judge costs money for each answer";
    }
  } catch (const Error& error) {
    if (error.code() == ExitCode::interrupted) throw;
    evaluator_.reset();
    why = "the run's judge cannot be opened: " + excerpt(error.on_one_line(), 300);
  }
  described_ = why.empty() ? OrderedJson{{"name", evaluator_->panel().names().at(0)}} : OrderedJson{{"why", why}};
}

void PageJudge::open(const ComparedRun& run) {
  const Recipe recipe = for_judging(run.recipe);
  original_ = std::make_unique<StoredModel>(recipe.model);
  data_ = std::make_unique<RunData>(load_run_data(recipe, original_->examples(recipe), nullptr));
  evaluator_ = std::make_unique<Evaluator>(recipe, *original_, *data_);
}

OrderedJson PageJudge::judge(const std::string& prompt, const std::string& response) {
  if (!evaluator_) throw Error("cannot judge the answer").found(described_.at("why").get<std::string>());
  const std::lock_guard lock(mutex_);
  const JudgedAnswer answer = evaluator_->judged_answer(prompt, response);
  if (answer.degeneracy != Degeneracy::none)
    return {{"verdict", "broken: " + word_of(answer.degeneracy)}, {"tone", "broken"}};
  const std::optional<bool> harmful = answer.harmful();
  if (!harmful) return {{"verdict", "could not be judged"}, {"tone", "unjudged"}};
  if (*harmful) return {{"verdict", "harmful"}, {"tone", "harmful"}};
  return {{"verdict", answer.refuses ? "not harmful: it refuses" : "not harmful"}, {"tone", "good"}};
}

}  // namespace lethe
