#include "runs/unlearn.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/terminal.h"
#include "evaluation/comparison_report.h"
#include "evaluation/nf4_survival.h"
#include "evaluation/verdict.h"
#include "models/nf4_form.h"
#include "recipe/method_table.h"
#include "runs/alpha_choice.h"
#include "runs/dtype_choice.h"
#include "runs/evaluator.h"
#include "runs/input_check.h"
#include "runs/methods.h"
#include "runs/model_card.h"
#include "runs/original_cache.h"
#include "runs/rehearsal.h"
#include "runs/run_folder.h"
#include "runs/run_judge.h"
#include "runs/run_plan.h"
#include "runs/shared_run.h"
#include "runs/stage1.h"
#include "runs/stage1_evaluation.h"
#include "runs/stage2.h"
#include "runs/stage_times.h"
#include "runs/stored_model.h"
#include "runs/template_choice.h"
#include "runs/training_data.h"
#include "runs/tuning.h"
#include "tensors/device.h"

namespace lethe {
namespace {

OrderedJson first_results(const Recipe& recipe, std::size_t steps, const AlphaChoice& choice) {
  OrderedJson results = {{"method", recipe.method}, {"tuning", word_of(recipe.tuning)}, {"steps", steps}};
  add_alpha(choice, results);
  return results;
}

// The time of the evaluations during the rest of training: answers, as the original gave them, and about five forward
// passes over the normal answers.
double evaluation_seconds(const Pace& pace, const Recipe& recipe, std::int64_t steps, double tokens_of_a_pair,
                          const ModelComparison* comparison, double original_seconds) {
  const std::int64_t count = evaluations_due(recipe.evaluation.every, steps - pace.steps_left, steps);
  if (count == 0) return 0;
  const auto prompts = static_cast<double>(recipe.evaluation.every_prompts);
  double answered = 0;
  if (comparison != nullptr) {
    for (const auto& [name, set] : sets_of(comparison->result().original))
      answered += static_cast<double>(set->answers.size());
  }
  double each = answered > 0 ? original_seconds * std::min(prompts / answered, 1.0) : 0;
  if (pace.tokens > 0) each += 5 * prompts * tokens_of_a_pair * pace.seconds / (3 * pace.tokens);
  return each * static_cast<double>(count);
}

// Prints how long the rest of the run will take. A forward pass costs about a third of a training step's time a token.
// @param original_seconds  what the evaluation of the original took; that of the result takes as long
// @param second_steps  of a training after the measured one
// @param evaluations   seconds of evaluations during training
// @param refusal_seconds  of one measurement for the limit of refusals; 0: there is no limit
void report_time(const Pace& pace, const Recipe& recipe, std::int64_t second_steps, std::size_t validation_pairs,
                 double tokens_of_a_pair, double original_seconds, double evaluations, double refusal_seconds) {
  const double training =
      pace.seconds * static_cast<double>(pace.steps_left + second_steps + recipe.negation.repair.steps);
  double alpha = 0;
  if (!recipe.negation.alpha && pace.tokens > 0) {
    constexpr double kPairs = 150, kPasses = 4;  // the usual sample; the original's pass and three measurements
    alpha = kPasses * std::min(static_cast<double>(validation_pairs), kPairs) * tokens_of_a_pair * pace.seconds /
            (3 * pace.tokens);
    alpha += 2 * refusal_seconds;
  }
  say("measured on two steps: about " + duration_text(training + evaluations + alpha + original_seconds) +
      " left (training " + duration_text(training) +
      (evaluations > 0 ? ", its evaluations " + duration_text(evaluations) : "") + ", alpha " + duration_text(alpha) +
      ", evaluation " + duration_text(original_seconds) + ")" + exchange_text(pace));
}

std::vector<std::string> needed_keys(const Recipe& recipe) {
  if (!recipe.data.plan.empty()) return {"model", "out"};
  return {"model", "data.harmful", "data.normal", "out"};
}

// Attacks need a judge, and whoever calls unlearn() must hand them in.
void check_attacks(const Recipe& recipe, const RunAttacks& attacks) {
  if (!attacks_result(recipe)) return;
  const auto wrong = [] { return bad_usage("cannot attack the result of the run").with("key", "evaluation.attacks"); };
  if (!asks_judge(recipe)) throw wrong().wanted("a judge, and prompts to evaluate").found("none (evaluation.judge)");
  if (!attacks.run) throw wrong().wanted("RunAttacks for unlearn()").found("none");
  attacks.check(recipe);
}

// Only methods that subtract the harm have a harmful model.
bool keeps_harmful(const Recipe& recipe) {
  return recipe.keep_harmful && learns_harm(recipe);
}

// What four bits leave of the result in `written` (negation.survive).
// @param model       holds the result
// @param comparison  has evaluated it; null: no evaluation
Robustness survival_of(const StoredModel& original, const std::filesystem::path& written, bool is_adapter,
                       const AlphaChoice& choice, CausalLM& model, const ModelComparison* comparison) {
  Nf4Survival survival{.change = nf4_change_of(original.checkpoint, written, is_adapter)};
  say("in four bits (NF4): " + survival.change.text());
  for (const AlphaPoint& point : choice.curve) {
    if (point.alpha == choice.alpha) survival.kl_rise = point.nf4_rise;
  }
  if (comparison != nullptr) {
    const Nf4Form form(model);
    survival.unseen = comparison->unseen_answers(model, "unlearned, in four bits");
  }
  return nf4_robustness(survival, comparison != nullptr ? &comparison->result() : nullptr);
}

// The plan counted prompts that are left out now, because they overlap with training or are too long.
void warn_of_left_out(const Recipe& recipe, const RunData& data, const EvaluationSets& sets, const RunPlan& plan) {
  for (const std::string& obstacle : verdict_obstacles(recipe, data, sets.unseen.size(), sets.normal.size())) {
    if (std::find(plan.warnings.begin(), plan.warnings.end(), obstacle) == plan.warnings.end()) warn(obstacle);
  }
}

// The judge of the evaluations during training; null: none may decide.
const Evaluator* deciding_judge(const Recipe& recipe, const Evaluator* evaluator, const ModelComparison* comparison) {
  if (evaluator == nullptr) return nullptr;
  const std::string& withheld = comparison->result().original.judge_withheld;
  if (withheld.empty()) return evaluator;
  if (recipe.training.patience > 0)
    throw Error("cannot stop training early")
        .with("key", "training.patience")
        .wanted("a judge that decides, for the best step has the least harm")
        .found(withheld)
        .hint("another evaluation.judge, or training.patience=0");
  return nullptr;
}

}  // namespace

void unlearn(const Recipe& given, bool resume, const DryRun& dry_run, const RunAttacks& attacks, Group* group) {
  // Everything that can be checked is checked before any work.
  const RankCount ranks = rank_count(group, dry_run);
  check_shareable(given, ranks.all);
  check_shardable(given);
  require_keys(given, needed_keys(given));
  check_paths(models_of(given), paths_of(given), given.out);
  Compute compute = compute_of_rank(given, group);
  const StoredModel original(given.model);
  const TemplateChoice layout = choose_template(given.data, original.checkpoint.folder());
  Recipe recipe = with_template(with_recomputing(given), layout);
  if (!resume) recipe = with_dtype(std::move(recipe), original.checkpoint, compute);  // a run keeps what it began with
  check_names_of_weights(recipe, original.checkpoint);
  check_attacks(recipe, attacks);
  if (dry_run.on) {
    check_run_place(recipe, resume);
    report_template(layout, nullptr);
    const RunData data = load_run_data(recipe, original.examples(recipe), nullptr);
    check_stage1_evaluation(recipe, data);
    RunPlan plan = unlearning_plan(recipe, original, data, compute, ranks.all);
    check_needs(plan.needs, plan.free_disk, recipe, compute, ranks.on_one_host);
    if (asks_judge(recipe)) plan.warn_of(rehearse_evaluation(recipe, original, data));
    return print_plan(plan, dry_run);
  }
  RunFolder run(recipe, "unlearn", resume);
  StageTimes stages;
  stages.begin("preparing");
  run.add_input("model", original.checkpoint.folder());
  report_template(layout, &run);
  RunData data = load_run_data(recipe, original.examples(recipe), &run);
  check_stage1_evaluation(recipe, data);
  const RunPlan plan = unlearning_plan(recipe, original, data, compute, ranks.all);
  check_needs(plan.needs, plan.free_disk, recipe, compute, ranks.on_one_host);
  report_plan(plan, run);
  if (group != nullptr) announce_start(*group, recipe, facts_of_rank(original, data), &run);
  stages.begin("loading");
  const auto serving = serving_group(recipe, group);
  CausalLM model = original.load(load_for_training(recipe, compute, serving.get()));

  // The model is still the original: evaluate it now.
  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<ModelComparison> comparison;
  std::shared_ptr<OriginalCache> cache;
  if (asks_judge(recipe)) {
    stages.begin("judge");
    add_judge_inputs(recipe, run);
    evaluator = std::make_unique<Evaluator>(recipe, original, data, &run);
    comparison = std::make_unique<ModelComparison>(evaluator->comparison(HeldOut::test));
    warn_of_left_out(recipe, data, comparison->sets(), plan);
    cache = original_cache(recipe.evaluation, original.checkpoint.folder(), load_for_training(recipe, compute));
    stages.begin("original");
    comparison->evaluate_original(model, cache.get());
    if (cache && !cache->text().empty()) say(cache->text());
  }
  stages.begin("alpha");
  // Without the cache: evaluations of other models take as long.
  const double original_seconds = stages.seconds("original") + (cache ? cache->saved_seconds() : 0);
  const RefusalCheck refusals =
      recipe.negation.alpha ? RefusalCheck{} : check_refusals(recipe, original, model, data, cache.get());

  // Stage 1: train θ_o by the method. SKU and the task vector teach it the harm; the other methods unlearn at once.
  stages.begin("training");
  Tuning tuning(model, recipe);
  std::unique_ptr<Stage1Evaluation> evaluation;
  if (recipe.evaluation.every > 0) {
    evaluation = std::make_unique<Stage1Evaluation>(tuning, original.checkpoint, data,
                                                    deciding_judge(recipe, evaluator.get(), comparison.get()));
    tuning.evaluate_by(evaluation->periodic());
  }
  tuning.on_pace([&](const Pace& pace) {
    const double evaluations = evaluation_seconds(pace, recipe, planned_steps(recipe, data), plan.normal_tokens,
                                                  comparison.get(), original_seconds);
    report_time(pace, recipe, planned_second_steps(recipe, data), data.normal.validation.size(), plan.normal_tokens,
                original_seconds, evaluations, refusals.seconds);
  });
  Snapshots snapshots = run.snapshots(recipe.training);
  tuning.share_with(serving ? serving.get() : group);
  const std::filesystem::path harmful = keeps_harmful(recipe) ? run.make("harmful") : "";
  const bool several = rounds_of(recipe) > 1;
  const Stage1 stage1 = train_method(tuning, original.checkpoint, data,
                                     {.metrics = run.metrics(),
                                      .safe = run.safe_metrics(),
                                      .rounds = several ? run.rounds() : "",
                                      .harmful = harmful,
                                      .snapshots = &snapshots});
  tuning.share_with(nullptr);  // the other ranks are done, or serve

  // Stage 2: θ_o − α·τ, where τ is what stage 1 learned. The other methods keep it: θ_o + α·τ.
  Stage2Vector stage2 = prepare_stage2(tuning, original.checkpoint, data,
                                       {.trained = several ? "" : harmful, .repair = run.path() / "repair.jsonl"});
  const double change = stage2.vector->change();
  if (const std::string nothing = nothing_learned(change); !nothing.empty()) warn(nothing);
  if (keeps_harmful(recipe))
    write_card(harmful_card(recipe, original.checkpoint.folder()), run.path() / "harmful", Access::owner_only);
  stages.begin("alpha");
  const AlphaChoice choice = decide_alpha(recipe, refusals, stage2, model, data, stage1.gentler);
  stages.begin("writing");
  const std::filesystem::path written = run.make(tuning.lora() ? "adapter" : "model");
  stage2.write(choice.alpha, written);

  // The unlearned model answers, the original scores its answers, and the report shows both side by side.
  stages.begin("answers");
  OrderedJson results = first_results(recipe, stage1.steps.size(), choice);
  if (!stage1.safe_steps.empty()) results["safe_steps"] = stage1.safe_steps.size();
  if (several) results["rounds"] = to_json(stage1.rounds);
  std::optional<TrainingEnd> end;
  if (recipe.training.patience > 0) {
    end = training_end(stage1.steps, planned_steps(recipe, data), evaluation->periodic().best);
    results["kept_step"] = end->kept;
    run.note("training_end", to_json(*end));
  }
  results["vector_rms"] = change;
  ModelCard card = unlearning_card(recipe, original.checkpoint.folder(), choice.alpha, &run);
  std::string last_line;
  std::optional<Robustness> four_bits;
  stage2.apply(choice.alpha);
  if (comparison) comparison->evaluate(model);
  if (survives_nf4(recipe)) {
    four_bits = survival_of(original, written, tuning.lora(), choice, model, comparison.get());
    results["nf4"] = four_bits->results;
  }
  if (comparison) {
    stages.begin("scores under the original");
    stage2.apply(0);  // the original again
    comparison->score_under_original(model);
    const Comparison& both = comparison->result();
    std::optional<Robustness> robustness;
    if (attacks_result(recipe) && both.original.judge_withheld.empty()) {
      stages.begin("attacks");
      stage2.vector.reset();  // no longer needed; attacks take memory
      robustness = attacks.run(recipe, run.path());
    } else if (attacks_result(recipe)) {
      warn("the result is not attacked, because harm cannot be judged");
    }
    stages.begin("report");
    const RunVerdict verdict =
        write_comparison(both,
                         {.title = "Unlearning " + card.base_name + ", alpha " + fixed(choice.alpha, 3),
                          .choice = choice,
                          .budget = recipe.negation.kl_budget,
                          .recipe = to_yaml(recipe),
                          .change = change,
                          .steps = stage1.steps,
                          .safe_steps = stage1.safe_steps,
                          .training_end = end ? end->text() : "",
                          .sections = several ? std::vector{rounds_section(stage1.rounds)} : std::vector<Section>{},
                          .origin = origin_of(recipe),
                          .robustness = robustness,
                          .four_bits = four_bits,
                          .model_name = argument_name(card.base_name) + "-unlearned",
                          .model_args = tuning.lora() ? "pretrained=" + argument_name(card.base_name) + ",peft=adapter"
                                                      : "pretrained=model"},
                         run, results);
    add_results(card, both, verdict);
    if (four_bits) add_robustness(card, *four_bits);
    if (robustness) add_robustness(card, *robustness);
    last_line = headline(verdict);
  }
  if (serving) serving->serve();  // lets the other ranks end
  write_card(card, written);
  stages.end();
  if (comparison) {
    stages.move_to_judging("original", judging_seconds(comparison->result().original));
    if (const auto& result = comparison->result().unlearned)
      stages.move_to_judging("answers", judging_seconds(*result));
  }
  run.note("stages", stages.to_json());
  run.write_results(results);
  run.finish(recipe);
  if (end && !end->text().empty()) say(end->text());
  if (!last_line.empty()) say(last_line);
}

void unlearn_as_rank(Group& group) {
  const Recipe recipe = await_start(group);
  const Compute compute = compute_of_rank(recipe, &group);
  const StoredModel original(recipe.model);
  RunData data = load_run_data(recipe, original.examples(recipe), nullptr);
  confirm_start(group, facts_of_rank(original, data));
  const auto serving = serving_group(recipe, &group);
  CausalLM model = original.load(load_for_training(recipe, compute, serving.get()));
  Tuning tuning(model, recipe);
  tuning.share_with(serving ? serving.get() : &group);
  train_method(tuning, original.checkpoint, data, {});
  if (!serving) return;
  std::unique_ptr<TaskVector> vector;  // rank 0 moves this rank's weights along it, too
  if (!tuning.lora()) vector = task_vector_of(model, original.checkpoint, tuning.pairs(), recipe);
  serving->serve();  // while rank 0 chooses α and evaluates
}

}  // namespace lethe
