#include "runs/unlearn.h"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/terminal.h"
#include "evaluation/comparison_report.h"
#include "recipe/method_table.h"
#include "runs/evaluator.h"
#include "runs/input_check.h"
#include "runs/run_folder.h"
#include "runs/run_judge.h"
#include "runs/stage1.h"
#include "runs/stage2.h"
#include "runs/stored_model.h"
#include "runs/training_data.h"
#include "runs/tuning.h"
#include "tensors/device.h"

namespace lethe {
namespace {

void print_curve(const AlphaChoice& choice, double budget) {
  say("alpha   KL on normal validation answers (budget " + std::to_string(budget).substr(0, 5) + " nats a token)");
  for (const AlphaPoint& point : choice.curve) {
    char line[64];
    std::snprintf(line, sizeof line, "%5.3f   %.4f%s", point.alpha, point.kl,
                  point.alpha == choice.alpha ? "   <- chosen" : "");
    say(line);
  }
}

// The largest α within the budget, unless the recipe names one.
AlphaChoice decide_alpha(const NegationSettings& settings, const std::function<double(double alpha)>& kl_at,
                         const std::string& gentler) {
  if (settings.alpha) return {*settings.alpha, {}};
  const AlphaChoice choice = choose_alpha(kl_at, settings.kl_budget);
  print_curve(choice, settings.kl_budget);
  if (choice.alpha == 0) {
    throw Error("no alpha stays within the budget")
        .wanted("a mean KL of at most " + std::to_string(settings.kl_budget) + " nats a token")
        .found("more, even at the smallest alpha tried")
        .hint("go on with a larger budget, without training again: negation.kl_budget=… --resume RUN")
        .hint("or train less: " + gentler);
  }
  return choice;
}

OrderedJson first_results(const Recipe& recipe, std::size_t steps, const AlphaChoice& choice) {
  OrderedJson results = {
      {"method", recipe.method}, {"tuning", word_of(recipe.tuning)}, {"steps", steps}, {"alpha", choice.alpha}};
  if (choice.curve.empty()) return results;
  OrderedJson curve = OrderedJson::array();
  for (const AlphaPoint& point : choice.curve) curve.push_back({{"alpha", point.alpha}, {"kl", point.kl}});
  results["alpha_curve"] = curve;
  return results;
}

// Only methods that negate have a harmful model.
bool keeps_harmful(const Recipe& recipe) {
  return recipe.keep_harmful && method_named(recipe.method).stage2 == Stage2::negate;
}

}  // namespace

void unlearn(const Recipe& recipe, bool resume) {
  require_keys(recipe, recipe.data.plan.empty()
                           ? std::vector<std::string>{"model", "data.harmful", "data.normal", "out"}
                           : std::vector<std::string>{"model", "out"});
  check_paths({{"model", recipe.model}}, paths_of(recipe), recipe.out);
  const Compute compute = choose_compute(recipe.device, recipe.dtype, static_cast<int>(recipe.threads));
  const StoredModel original(recipe.model);
  check_names_of_weights(recipe, original.checkpoint);
  RunFolder run(recipe, "unlearn", resume);
  run.add_input("model", original.checkpoint.folder());
  RunData data = load_run_data(recipe, original.examples(recipe), &run);
  print_settings(recipe, "unlearn");
  CausalLM model = original.load(load_for_training(recipe, compute));

  // The model is still the original: what it will be compared with is taken now.
  std::unique_ptr<DivergenceMeter> meter;
  if (!recipe.negation.alpha) meter = std::make_unique<DivergenceMeter>(model, data.examples, data.normal.validation);
  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<ModelComparison> comparison;
  if (asks_judge(recipe)) {
    add_judge_inputs(recipe, run);
    evaluator = std::make_unique<Evaluator>(recipe, original, data, &run);
    comparison = std::make_unique<ModelComparison>(evaluator->comparison(HeldOut::test));
    comparison->evaluate_original(model);
  }

  // Stage 1: train θ_o by the method. SKU and the task vector teach it the harm; the other methods unlearn at once.
  Tuning tuning(model, recipe);
  Snapshots snapshots = run.snapshots(recipe.training);
  const Stage1 stage1 = train_method(tuning, data, run.metrics(), &snapshots);

  // Stage 2: θ_o − α·τ, τ what was learned. The other methods keep it: θ_o + α·τ.
  Stage2Vector stage2 = prepare_stage2(
      tuning, original.checkpoint, data,
      {.trained = keeps_harmful(recipe) ? run.make("harmful") : "", .repair = run.path() / "repair.jsonl"});
  const auto kl_at = [&](double alpha) {
    stage2.apply(alpha);
    return meter->measure(model);
  };
  const AlphaChoice choice = decide_alpha(recipe.negation, kl_at, stage1.gentler);
  stage2.write(choice.alpha, run.make(tuning.lora() ? "adapter" : "model"));

  // The unlearned model answers, the original scores its answers, and the report sets both side by side.
  OrderedJson results = first_results(recipe, stage1.steps.size(), choice);
  if (comparison) {
    stage2.apply(choice.alpha);
    comparison->evaluate(model);
    stage2.apply(0);  // the original again
    comparison->score_under_original(model);
    const std::string name = original.checkpoint.folder().filename().string();
    write_comparison(comparison->result(),
                     {.title = "Unlearning " + name + ", alpha " + fixed(choice.alpha, 3),
                      .choice = choice,
                      .budget = recipe.negation.kl_budget,
                      .recipe = to_yaml(recipe),
                      .steps = stage1.steps},
                     run, results);
  }
  run.write_results(results);
  run.finish(recipe);
}

}  // namespace lethe
