#include "runs/alpha_choice.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "core/seconds_since.h"
#include "core/terminal.h"
#include "evaluation/evaluation_options.h"
#include "recipe/method_table.h"
#include "report/table.h"
#include "runs/methods.h"

namespace lethe {
namespace {

constexpr double kAutomaticBudget = 0.05;

void print_curve(const AlphaChoice& choice, double budget) {
  const auto& limit = choice.refusals;
  say("alpha   KL on normal validation answers (budget " + std::to_string(budget).substr(0, 5) + " nats a token)" +
      (limit ? ", refusals of " + with_commas(limit->prompts) + " normal and safe prompts (at most " +
                   percent(limit->largest()) + ")"
             : ""));
  const AlphaPoint* chosen = nullptr;
  for (const AlphaPoint& point : choice.curve) {
    if (point.alpha == choice.alpha) chosen = &point;
    const std::string error = point.pairs == 1 ? "" : " ± " + fixed(point.standard_error, 4);
    say(fixed(point.alpha, 3) + "   " + fixed(point.kl, 4) + error + " on " + with_commas(point.pairs) +
        (point.nf4_rise ? "   " + fixed(*point.nf4_rise, 4) + " in four bits" : std::string()) +
        (point.refusing ? "   " + percent(*point.refusing) + " refused" : std::string()) +
        (chosen == &point ? "   <- chosen" : ""));
  }
  if (chosen != nullptr && chosen->pairs == 1)
    warn("alpha was chosen on one normal validation answer, so the error of its KL is unknown: add normal data, or " +
         std::string("raise data.split.validation"));
  if (chosen != nullptr && pairs_needed(*chosen, budget) > chosen->pairs)
    say("all " + with_commas(chosen->pairs) + " normal validation answers were measured, and the standard error is " +
        "still above 5% of the budget: add normal data, or raise data.split.validation");
}

// The α within the KL budget that refuses too much, as do all smaller ones that were measured.
Error refuses_too_much(const RefusalLimit& limit, const AlphaChoice& choice, const std::string& gentler) {
  double least = 1;
  for (const AlphaPoint& point : choice.curve) least = std::min(least, point.refusing.value_or(1));
  return Error("no alpha stays within the budget of refusals")
      .wanted("refusals of at most " + percent(limit.largest()) + " of " + with_commas(limit.prompts) +
              " normal and safe prompts, the original's " + percent(limit.original) + " and a budget of " +
              percent(limit.budget))
      .found("at least " + percent(least) + " at every alpha measured")
      .hint("continue with a larger budget, without training again: negation.refusal_budget=… --resume RUN (1: off)")
      .hint("or train less: " + gentler);
}

OrderedJson point_json(const AlphaPoint& point) {
  OrderedJson json = {{"alpha", point.alpha},
                      {"kl", point.kl},
                      {"standard_error", point.pairs == 1 ? OrderedJson() : OrderedJson(point.standard_error)},
                      {"pairs", point.pairs},
                      {"tokens", point.tokens}};
  if (point.refusing) json["refusing"] = *point.refusing;
  if (point.nf4_rise) json["kl_rise_in_nf4"] = *point.nf4_rise;
  return json;
}

}  // namespace

bool survives_nf4(const Recipe& recipe) {
  return recipe.negation.survive == Quantize::nf4;
}

double refusal_budget(const Recipe& recipe) {
  const bool contrasts = method_named(recipe.method).stage2 == Stage2::contrast;
  return recipe.negation.refusal_budget.value_or(contrasts ? kAutomaticBudget : 1);
}

RefusalCheck check_refusals(const Recipe& recipe, const StoredModel& original, const CausalLM& model,
                            const RunData& data, OriginalCache* cache) {
  const double budget = refusal_budget(recipe);
  if (budget >= 1) return {};
  Recipe answers_only = recipe;
  answers_only.evaluation.bleurt = answers_only.evaluation.embedder = "";  // would be loaded
  auto meter = std::make_unique<RefusalMeter>(
      original.tokenizer, evaluation_options(answers_only, original.checkpoint, original.spec.max_positions),
      data.normal.validation);
  if (meter->prompts() == 0) {
    warn("refusals do not limit alpha (negation.refusal_budget): no prompt to measure them on fits into the model's " +
         with_commas(static_cast<std::uint64_t>(original.spec.max_positions)) + " positions");
    return {};
  }
  const auto start = std::chrono::steady_clock::now();
  const double saved = cache != nullptr ? cache->saved_seconds() : 0;
  const double share = meter->measure(model, "refusals of the original", cache);
  const double seconds = seconds_since(start) + (cache != nullptr ? cache->saved_seconds() : 0) - saved;
  say("the original refuses " + percent(share) + " of " + with_commas(meter->prompts()) +
      " normal and safe prompts; alpha needs one to five more such measurements of " + duration_text(seconds));
  const RefusalLimit limit{share, budget, meter->prompts()};
  if (limit.largest() >= 1)
    warn("the original refuses so many of these prompts that negation.refusal_budget limits nothing: " +
         percent(share) + " and a budget of " + percent(budget) + " are all of them");
  return {limit, std::move(meter), seconds};
}

AlphaChoice choose_within(double kl_budget, bool curve, const RefusalCheck& check, AlphaMeter& meter,
                          const CausalLM& model, const std::function<void(double alpha)>& apply) {
  const auto measure = [&](double alpha) { return meter.measure(alpha, kl_budget); };
  AlphaChoice choice = choose_alpha(measure, kl_budget, curve);
  if (!check.meter) return choice;
  return limit_refusals(std::move(choice), kl_budget, check.limit, measure, [&](double alpha) {
    apply(alpha);
    return check.meter->measure(model, "refusals at alpha " + fixed(alpha, 3));
  });
}

AlphaChoice decide_alpha(const Recipe& recipe, const RefusalCheck& check, Stage2Vector& stage2, CausalLM& model,
                         RunData& data, const std::string& gentler) {
  const NegationSettings& settings = recipe.negation;
  if (settings.alpha) return {*settings.alpha, {}};
  const auto apply = [&](double alpha) { stage2.apply(alpha); };
  apply(0);  // the original
  DivergenceSample sample(model, data.examples, data.normal.validation, recipe.seed);
  AlphaMeter meter(sample, model, apply, survives_nf4(recipe));
  const AlphaChoice choice = choose_within(settings.kl_budget, settings.curve, check, meter, model, apply);
  print_curve(choice, settings.kl_budget);
  if (choice.lowered && choice.alpha == 0) throw refuses_too_much(check.limit, choice, gentler);
  if (choice.alpha == 0) {
    throw Error("no alpha stays within the budget")
        .wanted("a mean KL of at most " + std::to_string(settings.kl_budget) + " nats a token")
        .found("more, even at the smallest alpha measured")
        .hint(rounds_of(recipe) > 1
                  ? "start anew with a larger negation.kl_budget: further rounds of negation begin within it"
              : recipe.training.patience > 0
                  ? "start anew with a larger negation.kl_budget: with training.patience it decides when training ends"
                  : "continue with a larger budget, without training again: negation.kl_budget=… --resume RUN")
        .hint("or train less: " + gentler);
  }
  if (choice.halved)
    warn("the KL was over the budget at each of the first four alphas. Halving the smallest led to alpha " +
         fixed(choice.alpha, 4) +
         ", which may be far below the largest that fits. Stage 1 moved the model very far: " + gentler);
  return choice;
}

void add_alpha(const AlphaChoice& choice, OrderedJson& results) {
  results["alpha"] = choice.alpha;
  if (choice.curve.empty()) return;
  OrderedJson curve = OrderedJson::array();
  for (const AlphaPoint& point : choice.curve) {
    curve.push_back(point_json(point));
    if (point.alpha == choice.alpha) results["alpha_choice"] = point_json(point);
  }
  results["alpha_choice"]["measurements"] = choice.curve.size();
  results["alpha_choice"]["halved"] = choice.halved;
  if (const auto& limit = choice.refusals) {
    results["alpha_choice"]["refusal_budget"] = limit->budget;
    results["alpha_choice"]["refusing_original"] = limit->original;
    results["alpha_choice"]["refusal_prompts"] = limit->prompts;
    results["alpha_choice"]["lowered_by_refusals"] = choice.lowered;
  }
  results["alpha_curve"] = curve;
}

}  // namespace lethe
