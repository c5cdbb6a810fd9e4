#include "recipe/recipe_bounds.h"

#include <charconv>
#include <cmath>

#include "core/error.h"

namespace lethe {
namespace {

enum class Ends { closed, open_below, open_above };  // whether the least or the most itself is left out

struct Bound {
  const char* key;
  double (*value)(const Recipe&);
  double least, most;
  Ends ends = Ends::closed;
};

#define OF(field) [](const Recipe& recipe) { return static_cast<double>(recipe.field); }
#define BOUND(field, ...) \
  { #field, OF(field), __VA_ARGS__ }

// Wide: far beyond what anyone trains with, and far below where float32 overflows, an index wraps or a machine's memory
// ends. The product of steps, accumulate and batch fits into 64 bits.
constexpr double kMostSteps = 1e9, kMostRows = 65536, kMostFactor = 1e6, kMostRate = 10, kMostAlpha = 1000;
constexpr double kMostTokens = 16'777'216;

const Bound kBounds[] = {
    BOUND(lora.rank, 1, 65536),
    BOUND(lora.alpha, 0, kMostFactor, Ends::open_below),
    BOUND(lora.dropout, 0, 1, Ends::open_above),
    BOUND(data.max_length, 1, kMostTokens),
    BOUND(data.split.train, 0, 1),
    BOUND(data.split.validation, 0, 1),
    BOUND(data.split.test, 0, 1),
    BOUND(data.split.cosine, 0, 1),
    BOUND(sku.eps_gd, 0, kMostFactor),
    BOUND(sku.eps_rd, 0, kMostFactor),
    BOUND(sku.eps_pd, 0, kMostFactor),
    BOUND(sku.k, 0, 1000),
    BOUND(sku.pd_margin, 0, kMostFactor),
    BOUND(ga.eps_kl, 0, kMostFactor),
    BOUND(ga.eps_mismatch, 0, kMostFactor),
    BOUND(training.steps, 1, kMostSteps),
    BOUND(training.batch, 1, kMostRows),
    BOUND(training.accumulate, 1, kMostRows),
    BOUND(training.lr, 0, kMostRate, Ends::open_below),
    BOUND(training.warmup, 0, kMostSteps),
    BOUND(training.weight_decay, 0, 1000),
    BOUND(training.clip, 0, 1e12),
    BOUND(training.snapshot_steps, 0, kMostSteps),
    BOUND(training.snapshot_minutes, 0, 1e6),
    BOUND(negation.kl_budget, 0, kMostFactor, Ends::open_below),
    BOUND(negation.rank, 0, 1e6),
    BOUND(negation.repair.steps, 0, kMostSteps),
    BOUND(negation.repair.lr, 0, kMostRate, Ends::open_below),
    BOUND(negation.repair.alpha, 0, kMostAlpha, Ends::open_below),
    BOUND(evaluation.threshold, 0, 1, Ends::open_above),
    BOUND(evaluation.prompts, 0, 1e9),
    BOUND(evaluation.max_new_tokens, 1, kMostTokens),
    BOUND(evaluation.window, 0, kMostTokens),
    BOUND(evaluation.stride, 0, kMostTokens),
    BOUND(evaluation.overlap.jaccard, 0, kMostFactor, Ends::open_below),
    BOUND(evaluation.overlap.containment, 0, kMostFactor, Ends::open_below),
    BOUND(threads, 0, 1024),
};
#undef BOUND
#undef OF

std::string text_of(double value) {
  char buffer[64];
  if (std::abs(value) < 1e15 && value == std::floor(value))
    return (value < 0 ? "-" : "") + with_commas(static_cast<std::uint64_t>(std::abs(value)));
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

/// Not a number is within no bounds.
bool within(double value, const Bound& bound) {
  const bool above = bound.ends == Ends::open_below ? value > bound.least : value >= bound.least;
  const bool below = bound.ends == Ends::open_above ? value < bound.most : value <= bound.most;
  return above && below;
}

std::string range_text(const Bound& bound) {
  const std::string least = text_of(bound.least), most = text_of(bound.most);
  if (bound.ends == Ends::open_below) return "more than " + least + ", at most " + most;
  return (bound.ends == Ends::open_above ? "at least " + least + ", below " : least + " to ") + most;
}

[[noreturn]] void refuse_value(const std::string& doing, const std::string& key, const Bound& bound, double value) {
  throw bad_usage(doing).with("key", key).wanted(range_text(bound)).found(text_of(value));
}

constexpr Bound kAlpha = {"negation.alpha", nullptr, 0, kMostAlpha};
constexpr Bound kBudget = {"negation.kl_budget", nullptr, 0, kMostFactor, Ends::open_below};
constexpr Bound kFactor = {"negation.factors", nullptr, -kMostAlpha, kMostAlpha};

void check_list(const std::string& option, std::span<const double> values, const Bound& bound) {
  for (const double value : values) {
    if (!within(value, bound)) refuse_value("cannot use " + option, bound.key, bound, value);
  }
}

}  // namespace

void check_bounds(const Recipe& recipe) {
  const std::string doing = "cannot use this recipe";
  for (const Bound& bound : kBounds) {
    if (const double value = bound.value(recipe); !within(value, bound)) refuse_value(doing, bound.key, bound, value);
  }
  // A negative α would add the harm instead of subtracting it; `lethe negate` takes one.
  if (recipe.negation.alpha && !within(*recipe.negation.alpha, kAlpha))
    throw bad_usage(doing)
        .with("key", kAlpha.key)
        .wanted("auto, or " + range_text(kAlpha))
        .found(text_of(*recipe.negation.alpha));
  for (const auto& [pattern, factor] : recipe.negation.factors) {
    if (!within(factor, kFactor)) refuse_value(doing, "negation.factors: " + excerpt(pattern), kFactor, factor);
  }
  // AdamW multiplies each weight by 1 − lr · weight_decay.
  if (const double decay = recipe.training.lr * recipe.training.weight_decay; decay > 1)
    throw bad_usage(doing)
        .with("key", "training.weight_decay")
        .wanted("at most 1 / training.lr, which takes a whole weight away at each step")
        .found(text_of(recipe.training.weight_decay) + ", with training.lr " + text_of(recipe.training.lr));
}

void check_alphas(const std::string& option, std::span<const double> alphas) {
  check_list(option, alphas, kAlpha);
}

void check_budgets(const std::string& option, std::span<const double> budgets) {
  check_list(option, budgets, kBudget);
}

}  // namespace lethe
