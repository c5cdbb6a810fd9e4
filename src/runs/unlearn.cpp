#include "runs/unlearn.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/terminal.h"
#include "evaluation/comparison_report.h"
#include "evaluation/divergence_sample.h"
#include "evaluation/verdict.h"
#include "recipe/method_table.h"
#include "runs/evaluator.h"
#include "runs/input_check.h"
#include "runs/model_card.h"
#include "runs/run_folder.h"
#include "runs/run_judge.h"
#include "runs/run_plan.h"
#include "runs/stage1.h"
#include "runs/stage2.h"
#include "runs/stored_model.h"
#include "runs/template_choice.h"
#include "runs/training_data.h"
#include "runs/tuning.h"
#include "tensors/device.h"

namespace lethe {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void print_curve(const AlphaChoice& choice, double budget) {
  say("alpha   KL on normal validation answers (budget " + std::to_string(budget).substr(0, 5) + " nats a token)");
  const AlphaPoint* chosen = nullptr;
  for (const AlphaPoint& point : choice.curve) {
    if (point.alpha == choice.alpha) chosen = &point;
    char line[96];
    std::snprintf(line, sizeof line, "%5.3f   %.4f ± %.4f on %zu%s", point.alpha, point.kl, point.standard_error,
                  point.pairs, chosen == &point ? "   <- chosen" : "");
    say(line);
  }
  if (chosen != nullptr && pairs_needed(*chosen, budget) > chosen->pairs)
    say("all " + with_commas(chosen->pairs) + " normal validation answers were measured, and the standard error is " +
        "still above 5% of the budget: add normal data, or raise data.split.validation");
}

// The α that the recipe gives, or the largest within the budget on a sample of the normal validation answers.
AlphaChoice decide_alpha(const Recipe& recipe, Stage2Vector& stage2, CausalLM& model, RunData& data,
                         const std::string& gentler) {
  const NegationSettings& settings = recipe.negation;
  if (settings.alpha) return {*settings.alpha, {}};
  stage2.apply(0);  // the original
  DivergenceSample sample(model, data.examples, data.normal.validation, recipe.seed);
  AlphaMeter meter(sample, model, [&](double alpha) { stage2.apply(alpha); });
  const AlphaChoice choice = choose_alpha([&](double alpha) { return meter.measure(alpha, settings.kl_budget); },
                                          settings.kl_budget, settings.curve);
  print_curve(choice, settings.kl_budget);
  if (choice.alpha == 0) {
    throw Error("no alpha stays within the budget")
        .wanted("a mean KL of at most " + std::to_string(settings.kl_budget) + " nats a token")
        .found("more, even at the smallest alpha measured")
        .hint("continue with a larger budget, without training again: negation.kl_budget=… --resume RUN")
        .hint("or train less: " + gentler);
  }
  if (choice.halved)
    warn("the KL was over the budget at each of the first four alphas. Halving the smallest led to alpha " +
         fixed(choice.alpha, 4) +
         ", which may be far below the largest that fits. Stage 1 moved the model very far: " + gentler);
  return choice;
}

OrderedJson point_json(const AlphaPoint& point) {
  return {{"alpha", point.alpha},
          {"kl", point.kl},
          {"standard_error", point.standard_error},
          {"pairs", point.pairs},
          {"tokens", point.tokens}};
}

OrderedJson first_results(const Recipe& recipe, std::size_t steps, const AlphaChoice& choice) {
  OrderedJson results = {
      {"method", recipe.method}, {"tuning", word_of(recipe.tuning)}, {"steps", steps}, {"alpha", choice.alpha}};
  if (choice.curve.empty()) return results;
  OrderedJson curve = OrderedJson::array();
  for (const AlphaPoint& point : choice.curve) {
    curve.push_back(point_json(point));
    if (point.alpha == choice.alpha) results["alpha_choice"] = point_json(point);
  }
  results["alpha_choice"]["measurements"] = choice.curve.size();
  results["alpha_choice"]["halved"] = choice.halved;
  results["alpha_curve"] = curve;
  return results;
}

// Prints how long the rest of the run will take. A forward pass costs about a third of a training step's time a token.
// @param original_seconds  what the evaluation of the original took; that of the result takes as long
void report_time(const Pace& pace, const Recipe& recipe, std::size_t validation_pairs, double tokens_of_a_pair,
                 double original_seconds) {
  const double training = pace.seconds * static_cast<double>(pace.steps_left + recipe.negation.repair.steps);
  double alpha = 0;
  if (!recipe.negation.alpha && pace.tokens > 0) {
    constexpr double kPairs = 150, kPasses = 4;  // the usual sample; the original's pass and three measurements
    alpha = kPasses * std::min(static_cast<double>(validation_pairs), kPairs) * tokens_of_a_pair * pace.seconds /
            (3 * pace.tokens);
  }
  say("measured on two steps: about " + duration_text(training + alpha + original_seconds) + " left (training " +
      duration_text(training) + ", alpha " + duration_text(alpha) + ", evaluation " + duration_text(original_seconds) +
      ")");
}

std::vector<std::string> needed_keys(const Recipe& recipe) {
  if (!recipe.data.plan.empty()) return {"model", "out"};
  return {"model", "data.harmful", "data.normal", "out"};
}

// Only methods that negate have a harmful model.
bool keeps_harmful(const Recipe& recipe) {
  return recipe.keep_harmful && method_named(recipe.method).stage2 == Stage2::negate;
}

}  // namespace

void unlearn(const Recipe& given, bool resume, const DryRun& dry_run) {
  // Everything that can be checked is checked before any work.
  require_keys(given, needed_keys(given));
  check_paths(models_of(given), paths_of(given), given.out);
  const Compute compute = choose_compute(given.device, given.dtype, static_cast<int>(given.threads));
  const StoredModel original(given.model);
  const TemplateChoice layout = choose_template(given.data, original.checkpoint.folder());
  const Recipe recipe = with_template(given, layout);
  check_names_of_weights(recipe, original.checkpoint);
  if (dry_run.on) {
    check_run_place(recipe, resume);
    report_template(layout, nullptr);
    const RunData data = load_run_data(recipe, original.examples(recipe), nullptr);
    check_further_sets(recipe);
    const RunPlan plan = unlearning_plan(recipe, original, data, compute);
    check_needs(plan.needs, plan.free_disk, recipe, compute);
    return print_plan(plan, dry_run);
  }
  RunFolder run(recipe, "unlearn", resume);
  run.add_input("model", original.checkpoint.folder());
  report_template(layout, &run);
  RunData data = load_run_data(recipe, original.examples(recipe), &run);
  const RunPlan plan = unlearning_plan(recipe, original, data, compute);
  check_needs(plan.needs, plan.free_disk, recipe, compute);
  report_plan(plan, run);
  CausalLM model = original.load(load_for_training(recipe, compute));
  OrderedJson seconds;  // of each stage

  // The model is still the original: evaluate it now.
  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<ModelComparison> comparison;
  auto start = Clock::now();
  if (asks_judge(recipe)) {
    add_judge_inputs(recipe, run);
    evaluator = std::make_unique<Evaluator>(recipe, original, data, &run);
    comparison = std::make_unique<ModelComparison>(evaluator->comparison(HeldOut::test));
    comparison->evaluate_original(model);
  }
  const double original_seconds = comparison ? seconds_since(start) : 0;
  seconds["original"] = original_seconds;

  // Stage 1: train θ_o by the method. SKU and the task vector teach it the harm; the other methods unlearn at once.
  start = Clock::now();
  Tuning tuning(model, recipe);
  tuning.on_pace([&](const Pace& pace) {
    report_time(pace, recipe, data.normal.validation.size(), plan.normal_tokens, original_seconds);
  });
  Snapshots snapshots = run.snapshots(recipe.training);
  const Stage1 stage1 = train_method(tuning, data, run.metrics(), &snapshots);

  // Stage 2: θ_o − α·τ, where τ is what stage 1 learned. The other methods keep it: θ_o + α·τ.
  Stage2Vector stage2 = prepare_stage2(
      tuning, original.checkpoint, data,
      {.trained = keeps_harmful(recipe) ? run.make("harmful") : "", .repair = run.path() / "repair.jsonl"});
  const double change = stage2.vector->change();
  if (const std::string nothing = nothing_learned(change); !nothing.empty()) warn(nothing);
  if (keeps_harmful(recipe))
    write_card(harmful_card(recipe, original.checkpoint.folder()), run.path() / "harmful", Access::owner_only);
  seconds["training"] = seconds_since(start);
  start = Clock::now();
  const AlphaChoice choice = decide_alpha(recipe, stage2, model, data, stage1.gentler);
  seconds["alpha"] = seconds_since(start);
  start = Clock::now();
  const std::filesystem::path written = run.make(tuning.lora() ? "adapter" : "model");
  stage2.write(choice.alpha, written);
  seconds["writing"] = seconds_since(start);

  // The unlearned model answers, the original scores its answers, and the report shows both side by side.
  start = Clock::now();
  OrderedJson results = first_results(recipe, stage1.steps.size(), choice);
  results["vector_rms"] = change;
  ModelCard card = unlearning_card(recipe, original.checkpoint.folder(), choice.alpha, &run);
  std::string last_line;
  if (comparison) {
    stage2.apply(choice.alpha);
    comparison->evaluate(model);
    stage2.apply(0);  // the original again
    comparison->score_under_original(model);
    const Comparison& both = comparison->result();
    const RunVerdict verdict = write_comparison(
        both,
        {.title = "Unlearning " + card.base_name + ", alpha " + fixed(choice.alpha, 3),
         .choice = choice,
         .budget = recipe.negation.kl_budget,
         .recipe = to_yaml(recipe),
         .change = change,
         .steps = stage1.steps,
         .origin = method_named(recipe.method).stage2 == Stage2::negate ? Origin::negation : Origin::training,
         .model_name = argument_name(card.base_name) + "-unlearned",
         .model_args =
             tuning.lora() ? "pretrained=" + argument_name(card.base_name) + ",peft=adapter" : "pretrained=model"},
        run, results);
    add_results(card, both, verdict);
    last_line = headline(verdict);
  }
  write_card(card, written);
  seconds["result"] = seconds_since(start);
  run.note("seconds_of_stages", seconds);
  run.write_results(results);
  run.finish(recipe);
  if (!last_line.empty()) say(last_line);
}

}  // namespace lethe
