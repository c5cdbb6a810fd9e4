#include "runs/unlearn.h"

#include <cstdio>

#include "core/error.h"
#include "core/terminal.h"
#include "data/sampler.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "nn/device.h"
#include "objectives/sku.h"
#include "runs/divergence_meter.h"
#include "runs/negated_model.h"
#include "runs/run_folder.h"
#include "runs/training_data.h"
#include "runs/tuning.h"
#include "vectors/negate.h"

namespace lethe {
namespace {

// The rows of each micro-batch: a plan's, or what the sampler draws.
std::function<StepRows(std::uint64_t)> rows_of(const Recipe& recipe, const RunData& data, Tuning& tuning) {
  if (!data.plan.empty()) {
    return [&data, &tuning](std::uint64_t micro) {
      tuning.begin(micro);
      return data.plan.at(micro);
    };
  }
  SamplerOptions options;
  options.batch = static_cast<std::size_t>(recipe.training.batch);
  options.k = recipe.sku.eps_rd == 0 ? 0 : static_cast<std::size_t>(recipe.sku.k);
  options.seed = recipe.seed;
  const auto sampler = std::make_shared<StepSampler>(data.harmful.train, data.normal.train, options);
  return [sampler, &tuning](std::uint64_t micro) {
    tuning.begin(micro);
    return sampler->rows(micro);
  };
}

std::vector<Pair> normal_pairs_trained_on(const RunData& data) {
  if (data.plan.empty()) return data.normal.train;
  std::vector<Pair> pairs;
  for (const StepRows& rows : data.plan) pairs.insert(pairs.end(), rows.normal.begin(), rows.normal.end());
  return pairs;
}

SkuOptions sku_options(const Recipe& recipe) {
  SkuOptions options;
  options.harmful.eps_gd = recipe.sku.eps_gd;
  options.harmful.eps_rd = recipe.sku.eps_rd;
  options.harmful.reduction = recipe.sku.reduction == "sum" ? Reduction::sum : Reduction::mean;
  options.eps_pd = recipe.sku.eps_pd;
  options.pd_margin = recipe.sku.pd_margin;
  return options;
}

std::int64_t steps_of(const Recipe& recipe, const RunData& data) {
  if (data.plan.empty()) return recipe.training.steps;
  const auto planned = static_cast<std::int64_t>(data.plan.size()) / recipe.training.accumulate;
  if (planned == 0)
    throw bad_input("cannot follow the plan")
        .wanted("at least training.accumulate lines")
        .found(std::to_string(data.plan.size()));
  return std::min(recipe.training.steps, planned);
}

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
AlphaChoice decide_alpha(const Recipe& recipe, NegatedModel& negated, DivergenceMeter* meter) {
  if (recipe.negation.alpha) return {*recipe.negation.alpha, {}};
  const AlphaChoice choice = choose_alpha(
      [&](double alpha) {
        negated.set(alpha);
        return meter->measure();
      },
      recipe.negation.kl_budget);
  print_curve(choice, recipe.negation.kl_budget);
  if (choice.alpha == 0) {
    throw Error("no alpha stays within the budget")
        .wanted("a mean KL of at most " + std::to_string(recipe.negation.kl_budget) + " nats a token")
        .found("more, even at the smallest alpha tried")
        .hint("fewer steps, a smaller learning rate or sku.pd_margin, or a larger negation.kl_budget");
  }
  return choice;
}

OrderedJson curve_json(const AlphaChoice& choice) {
  OrderedJson curve = OrderedJson::array();
  for (const AlphaPoint& point : choice.curve) curve.push_back({{"alpha", point.alpha}, {"kl", point.kl}});
  return curve;
}

}  // namespace

void unlearn(const Recipe& recipe) {
  require_keys(recipe, {"model", "out"});
  if (recipe.data.plan.empty()) require_keys(recipe, {"data.harmful", "data.normal"});
  const Compute compute = choose_compute(recipe.device, recipe.dtype, static_cast<int>(recipe.threads));
  RunFolder run(recipe, "unlearn");
  print_settings(recipe, "unlearn");

  const Checkpoint base(resolve_model_folder(recipe.model));
  run.add_input("model", base.folder());
  const Tokenizer tokenizer = Tokenizer::load(base.folder());
  ExampleMaker examples(
      tokenizer, Template::parse(recipe.data.response_template),
      {.append_eos = recipe.data.append_eos, .max_length = static_cast<std::size_t>(recipe.data.max_length)});
  const RunData data = load_run_data(recipe, examples, run);
  CausalLM model = load_model(base, {.device = compute.device, .dtype = compute.dtype});

  // Before the first step the model is the original: what will be compared with it is taken now.
  std::unique_ptr<DivergenceMeter> meter;
  if (!recipe.negation.alpha) meter = std::make_unique<DivergenceMeter>(model, examples, data.normal.validation);

  // Stage 1: teach a copy the harm.
  Tuning tuning(model, recipe);
  std::unique_ptr<Reference> reference;
  if (tuning.lora()) {
    reference = std::make_unique<AdapterOffReference>(model, examples);
  } else {
    reference = std::make_unique<StoredReference>(model, examples, normal_pairs_trained_on(data));
  }
  SkuObjective objective(model, examples, *reference, rows_of(recipe, data, tuning), sku_options(recipe));
  const auto records = tuning.train(objective, steps_of(recipe, data), run.metrics(), "stage 1: learning the harm");

  // Stage 2: subtract what was learned.
  NegatedModel negated(model, base, tuning.pairs());
  const AlphaChoice choice = decide_alpha(recipe, negated, meter.get());
  if (recipe.keep_harmful) negated.write_harmful(run.make("harmful"), recipe);
  negated.write(choice.alpha, run.make(tuning.lora() ? "adapter" : "model"), recipe);

  OrderedJson results = {
      {"method", recipe.method}, {"tuning", recipe.tuning}, {"steps", records.size()}, {"alpha", choice.alpha}};
  if (!choice.curve.empty()) results["alpha_curve"] = curve_json(choice);
  run.write_results(results);
  run.finish(recipe);
}

}  // namespace lethe
