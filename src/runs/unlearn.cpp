#include "runs/unlearn.h"

#include <cstdio>

#include "architectures/families.h"
#include "core/error.h"
#include "core/terminal.h"
#include "evaluation/comparison_report.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "runs/evaluator.h"
#include "runs/input_check.h"
#include "runs/methods.h"
#include "runs/run_folder.h"
#include "runs/run_judge.h"
#include "runs/stage1.h"
#include "runs/stage2.h"
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

// Stage 2 on the model in memory: which α, by the recipe or by the budget.
AlphaChoice decide_alpha(const Recipe& recipe, CausalLM& model, Stage2Vector& stage2, DivergenceMeter* meter) {
  if (recipe.negation.alpha) return {*recipe.negation.alpha, {}};
  const AlphaChoice choice = choose_alpha(
      [&](double alpha) {
        stage2.apply(alpha);
        return meter->measure(model);
      },
      recipe.negation.kl_budget);
  print_curve(choice, recipe.negation.kl_budget);
  if (choice.alpha == 0) {
    throw Error("no alpha stays within the budget")
        .wanted("a mean KL of at most " + std::to_string(recipe.negation.kl_budget) + " nats a token")
        .found("more, even at the smallest alpha tried")
        .hint("go on with a larger budget, without training again: negation.kl_budget=… --resume RUN")
        .hint("or train less: " + method_named(recipe.method).gentler);
  }
  return choice;
}

OrderedJson curve_json(const AlphaChoice& choice) {
  OrderedJson curve = OrderedJson::array();
  for (const AlphaPoint& point : choice.curve) curve.push_back({{"alpha", point.alpha}, {"kl", point.kl}});
  return curve;
}

}  // namespace

void unlearn(const Recipe& recipe, bool resume) {
  require_keys(recipe, recipe.data.plan.empty()
                           ? std::vector<std::string>{"model", "data.harmful", "data.normal", "out"}
                           : std::vector<std::string>{"model", "out"});
  check_paths({{"model", recipe.model}}, paths_of(recipe), recipe.out);
  const Compute compute = choose_compute(recipe.device, recipe.dtype, static_cast<int>(recipe.threads));
  const Checkpoint base(resolve_model_folder(recipe.model));
  check_names_of_weights(recipe, base);
  RunFolder run(recipe, "unlearn", resume);
  run.add_input("model", base.folder());
  const Tokenizer tokenizer = Tokenizer::load(base.folder());
  DecoderSpec spec = decoder_spec(base.config(), (base.folder() / "config.json").string());
  const std::int64_t positions = spec.max_positions;
  ExampleMaker examples(tokenizer, recipe_template(recipe, base.folder()), example_options(recipe, positions));
  const RunData data = load_run_data(recipe, examples, &run);
  print_settings(recipe, "unlearn");
  CausalLM model = load_model(base, std::move(spec),
                              {.device = compute.device,
                               .dtype = compute.dtype,
                               .nf4 = recipe.quantize == "nf4",
                               .mapped = recipe.tuning == "lora"});

  // Before the first step the model is the original: what will be compared with it is taken now.
  std::unique_ptr<DivergenceMeter> meter;
  if (!recipe.negation.alpha) meter = std::make_unique<DivergenceMeter>(model, examples, data.normal.validation);

  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<ModelComparison> comparison;
  if (asks_judge(recipe)) {
    add_judge_inputs(recipe, run);
    evaluator = std::make_unique<Evaluator>(recipe, base, positions, tokenizer, examples, data, &run);
    comparison = std::make_unique<ModelComparison>(evaluator->comparison(HeldOut::test));
    comparison->ask_original(model);
  }

  // Stage 1: train (SKU and the task vector: teach a copy the harm).
  Tuning tuning(model, recipe);
  const Method& method = method_named(recipe.method);
  Snapshots snapshots = run.snapshots(recipe.training);
  const auto records = train_method(recipe, model, tuning, examples, data, run.metrics(), &snapshots);

  // Stage 2: subtract what was learned (methods that unlearn by training keep it).
  const bool keeps = recipe.keep_harmful && method.stage2 == Stage2::negate;
  Stage2Vector stage2 = prepare_stage2(recipe, model, base, tuning, examples, data, keeps ? run.make("harmful") : "",
                                       run.path() / "repair.jsonl");
  const AlphaChoice choice = decide_alpha(recipe, model, stage2, meter.get());
  stage2.vector.write(stage2.sign * choice.alpha, run.make(tuning.lora() ? "adapter" : "model"), recipe);

  OrderedJson results = {
      {"method", recipe.method}, {"tuning", recipe.tuning}, {"steps", records.size()}, {"alpha", choice.alpha}};
  if (!choice.curve.empty()) results["alpha_curve"] = curve_json(choice);
  if (comparison) {
    stage2.apply(choice.alpha);
    comparison->ask(model);
    stage2.apply(0);  // the original again
    comparison->score(model);
    write_comparison(comparison->result(),
                     {.title = "Unlearning " + base.folder().filename().string() + ", alpha " + fixed(choice.alpha, 3),
                      .choice = choice,
                      .budget = recipe.negation.kl_budget,
                      .recipe = to_yaml(recipe),
                      .steps = records},
                     run, results);
  }
  run.write_results(results);
  run.finish(recipe);
}

}  // namespace lethe
