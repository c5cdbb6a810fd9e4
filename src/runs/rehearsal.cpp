#include "runs/rehearsal.h"

#include "evaluation/judge_check.h"
#include "runs/evaluator.h"
#include "runs/run_judge.h"
#include "runs/run_plan.h"

namespace lethe {

std::vector<std::string> try_judge(const Recipe& recipe, const EvaluationSets& sets,
                                   const std::function<Panel(const Recipe&)>& panel) {
  const std::string& first = recipe.evaluation.judge.front();
  const std::optional<RunClassifier> trained = run_classifier(first);
  if (trained ? !trained->embedder.empty() : !is_quick_judge(first)) return {};
  Recipe alone = recipe;
  alone.evaluation.judge = {first};
  return warnings_of(examine_judges(panel(alone), sets, recipe.seed));
}

std::vector<std::string> rehearse_evaluation(const Recipe& recipe, const StoredModel& original, const RunData& data) {
  Recipe answers_only = recipe;
  answers_only.evaluation.bleurt = answers_only.evaluation.embedder = "";  // would be loaded
  EvaluationSets further;
  load_further_sets(recipe.evaluation, further, nullptr);
  const std::vector<Question> other = further.other;
  const EvaluationSets sets =
      sets_of_run(recipe, data, original.tokenizer,
                  evaluation_options(answers_only, original.checkpoint, original.spec.max_positions), HeldOut::test,
                  std::move(further), nullptr);
  std::vector<std::string> obstacles = verdict_obstacles(recipe, data, sets.unseen.size(), sets.normal.size());
  for (std::string& warning :
       try_judge(recipe, sets, [&](const Recipe& alone) { return panel_for_run(alone, data, other); }))
    obstacles.push_back(std::move(warning));
  return obstacles;
}

}  // namespace lethe
