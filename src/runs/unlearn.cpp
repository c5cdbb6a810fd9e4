#include "runs/unlearn.h"

#include <cstdio>

#include "core/error.h"
#include "core/terminal.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "nn/device.h"
#include "runs/methods.h"
#include "runs/model_comparison.h"
#include "runs/run_folder.h"
#include "runs/run_judge.h"
#include "runs/task_vector.h"
#include "runs/training_data.h"
#include "runs/tuning.h"
#include "vectors/negate.h"

namespace lethe {
namespace {

// The rows of each micro-batch: a plan's, or what the sampler draws; of both the part that the method trains on.
std::function<StepRows(std::uint64_t)> rows_of(const Recipe& recipe, const RunData& data, Tuning& tuning) {
  const Method& method = method_named(recipe.method);
  if (!data.plan.empty()) {
    return [&data, &tuning, &method](std::uint64_t micro) {
      tuning.begin(micro);
      StepRows rows = data.plan.at(micro);
      if (!method.normal_rows) rows.normal.clear();
      if (!method.harmful_rows) rows.harmful.clear();
      if (method.name == "task_vector" || method.name == "ga") rows.random.clear();
      return rows;
    };
  }
  const auto sampler = std::make_shared<StepSampler>(method.harmful_rows ? data.harmful.train : std::vector<Pair>{},
                                                     method.normal_rows ? data.normal.train : std::vector<Pair>{},
                                                     sampler_options(recipe));
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

// θ_o − α·τ, or for methods whose training is itself the unlearning θ_o + α·τ.
double sign_of(const Recipe& recipe) {
  return method_named(recipe.method).stage2 == Stage2::negate ? -1 : 1;
}

// Stage 2 on the model in memory: which α, by the recipe or by the budget.
AlphaChoice decide_alpha(const Recipe& recipe, CausalLM& model, TaskVector& vector, DivergenceMeter* meter) {
  if (recipe.negation.alpha) return {*recipe.negation.alpha, {}};
  const AlphaChoice choice = choose_alpha(
      [&](double alpha) {
        vector.apply(alpha * sign_of(recipe));
        return meter->measure(model);
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

// Prompts to ask: trained on, held out, and normal ones held out (trained on where none are).
EvaluationSets sets_of(const RunData& data) {
  EvaluationSets sets;
  sets.seen = questions_of(data.harmful.train);
  sets.unseen = questions_of(data.harmful.test);
  sets.normal = questions_of(data.normal.test.empty() ? data.normal.train : data.normal.test);
  return sets;
}

std::vector<Pair> joined(std::vector<Pair> a, const std::vector<Pair>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
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

// A judge from answers that were not trained on; from all of them where those are too few.
std::unique_ptr<Judge> judge_of(const Recipe& recipe, const RunData& data) {
  auto harmful = joined(data.harmful.validation, data.harmful.test),
       normal = joined(data.normal.validation, data.normal.test);
  if (recipe.evaluation.judge == "classifier" && (harmful.size() < 50 || normal.size() < 50)) {
    warn("few answers are held out, so the judge also learns from answers trained on");
    harmful = joined(harmful, data.harmful.train);
    normal = joined(normal, data.normal.train);
  }
  return judge_for_run(recipe.evaluation.judge, harmful, normal, recipe.seed);
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
  ExampleMaker examples(tokenizer, Template::parse(recipe.data.response_template), example_options(recipe));
  const RunData data = load_run_data(recipe, examples, run);
  CausalLM model = load_model(base, {.device = compute.device, .dtype = compute.dtype});

  // Before the first step the model is the original: what will be compared with it is taken now.
  std::unique_ptr<DivergenceMeter> meter;
  if (!recipe.negation.alpha) meter = std::make_unique<DivergenceMeter>(model, examples, data.normal.validation);

  const bool evaluates = recipe.evaluation.prompts > 0 && recipe.evaluation.judge != "none";
  const DegenerateDetector detector = detector_for(data);
  std::unique_ptr<Judge> judge;
  std::unique_ptr<ModelComparison> comparison;
  if (evaluates) {
    judge = judge_of(recipe, data);
    comparison =
        std::make_unique<ModelComparison>(tokenizer, examples, *judge, detector, evaluation_options(recipe, base),
                                          ComparisonData{sets_of(data), data.normal.train, data.normal.test});
    comparison->ask_original(model);
  }

  // Stage 1: train (SKU and the task vector: teach a copy the harm).
  Tuning tuning(model, recipe);
  const Method& method = method_named(recipe.method);
  std::unique_ptr<Reference> reference;
  if (method.reference && tuning.lora()) {
    reference = std::make_unique<AdapterOffReference>(model, examples);
  } else if (method.reference) {
    reference = std::make_unique<StoredReference>(model, examples, normal_pairs_trained_on(data));
  }
  const std::unique_ptr<Objective> objective =
      make_objective(recipe, model, examples, reference.get(), rows_of(recipe, data, tuning));
  const auto records = tuning.train(*objective, steps_of(recipe, data), run.metrics(), method.title);

  // Stage 2: subtract what was learned (methods that unlearn by training keep it).
  TaskVector vector(model, base, tuning.pairs());
  const AlphaChoice choice = decide_alpha(recipe, model, vector, meter.get());
  const double scale = choice.alpha * sign_of(recipe);
  if (recipe.keep_harmful && method.stage2 == Stage2::negate) vector.write_trained(run.make("harmful"), recipe);
  vector.write(scale, run.make(tuning.lora() ? "adapter" : "model"), recipe);

  OrderedJson results = {
      {"method", recipe.method}, {"tuning", recipe.tuning}, {"steps", records.size()}, {"alpha", choice.alpha}};
  if (!choice.curve.empty()) results["alpha_curve"] = curve_json(choice);
  if (evaluates) {
    vector.apply(scale);
    comparison->ask(model);
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
