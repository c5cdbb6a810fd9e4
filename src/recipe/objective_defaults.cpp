#include "recipe/objective_defaults.h"

#include <utility>

#include "core/error.h"

namespace lethe {
namespace {

struct DefaultsRow {
  MethodId method;
  ObjectiveSettings settings;
};

const std::vector<DefaultsRow>& rows() {
  using enum MethodId;
  constexpr RetainLoss ce = RetainLoss::ce, kl = RetainLoss::kl, own = RetainLoss::automatic;
  static const std::vector<DefaultsRow> all = {
      {grad_diff, {.forget = 1, .retain = 1, .retain_loss = ce}},
      {kl_min, {.forget = 1, .retain = 1, .retain_loss = kl}},
      {npo, {.forget = 1, .retain = 1, .retain_loss = ce, .beta = 0.1}},
      {simnpo, {.forget = 0.125, .retain = 1, .retain_loss = ce, .beta = 4.5, .delta = 0}},
      {dpo, {.forget = 1, .retain = 1, .retain_loss = ce, .beta = 0.1}},
      {idk_dpo, {.forget = 1, .retain = 1, .retain_loss = ce, .beta = 0.1}},
      {wga, {.forget = 1, .retain = 1, .retain_loss = ce, .beta = 1}},
      {satimp, {.forget = 0.1, .retain = 1, .retain_loss = ce, .beta = 5, .beta2 = 1}},
      {safe_unlearning, {.forget = 0.3, .retain = 1, .retain_loss = ce, .beta = 1, .safe = 0.5}},
      {undial, {.forget = 1, .retain = 0, .retain_loss = ce, .beta = 10}},
      {ce_u, {.forget = 1, .retain = 0, .retain_loss = ce, .skip = 1}},
      {pdu, {.forget = 1, .retain = 1, .retain_loss = ce, .eps = 0.3, .dual_rate = 1}},
      {jensun, {.forget = 1, .retain = 1, .retain_loss = own}},
      {ihl, {.forget = 1, .retain = 1, .retain_loss = ce}},
      {flat, {.forget = 1, .retain = 0, .retain_loss = ce}},
      {rmu, {.forget = 1, .retain = 100, .retain_loss = own, .steer = 20, .layers = {7}}},
      {circuit_breakers, {.forget = 10, .retain = 10, .retain_loss = own, .layers = {9, 19}}},
  };
  return all;
}

// A key without a published value is one that the method does not read: the recipe's value must not reach it.
template <class Value>
void fill(std::optional<Value>& value, const std::optional<Value>& published) {
  if (!value || !published) value = published;
}

}  // namespace

const ObjectiveSettings* objective_defaults(MethodId method) {
  for (const DefaultsRow& row : rows()) {
    if (row.method == method) return &row.settings;
  }
  return nullptr;
}

ObjectiveSettings objective_settings(const Recipe& recipe) {
  const ObjectiveSettings* published = objective_defaults(method_named(recipe.method).id);
  if (published == nullptr) throw Error("internal: the method " + recipe.method + " has no section `objective`");
  ObjectiveSettings settings = recipe.objective;
  fill(settings.forget, published->forget);
  fill(settings.retain, published->retain);
  if (settings.retain_loss == RetainLoss::automatic) settings.retain_loss = published->retain_loss;
  fill(settings.beta, published->beta);
  fill(settings.beta2, published->beta2);
  fill(settings.delta, published->delta);
  fill(settings.safe, published->safe);
  fill(settings.steer, published->steer);
  if (settings.layers.empty() || published->layers.empty()) settings.layers = published->layers;
  fill(settings.eps, published->eps);
  fill(settings.dual_rate, published->dual_rate);
  fill(settings.skip, published->skip);
  return settings;
}

std::string taught_answers(const Recipe& recipe) {
  return method_named(recipe.method).draws == Draws::unknown ? "unknown" : recipe.safe.answers;
}

std::vector<MethodId> methods_with(const std::function<bool(const ObjectiveSettings&)>& has) {
  std::vector<MethodId> found;
  for (const DefaultsRow& row : rows()) {
    if (has(row.settings)) found.push_back(row.method);
  }
  return found;
}

}  // namespace lethe
