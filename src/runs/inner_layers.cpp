#include "runs/inner_layers.h"

#include <algorithm>

#include "core/error.h"
#include "objectives/inner_states.h"
#include "recipe/method_table.h"
#include "recipe/objective_defaults.h"

namespace lethe {
namespace {

// A pattern that finds exactly this text, in which '*' stands for digits.
std::string pattern_of(const std::string& name) {
  std::string pattern;
  for (const char c : name) {
    if (c == '*')
      pattern += "[0-9]+";
    else if (c == '.')
      pattern += "\\.";
    else
      pattern += c;
  }
  return "^" + pattern + "$";
}

}  // namespace

std::vector<std::int64_t> inner_layers(const Recipe& recipe, const DecoderSpec& spec) {
  const MethodId method = method_named(recipe.method).id;
  const ObjectiveSettings* published = objective_defaults(method);
  if (published == nullptr || published->layers.empty()) return {};
  std::vector<std::int64_t> layers = recipe.objective.layers;
  if (layers.empty()) return layers_at_depth(published->layers, spec.layers);
  std::sort(layers.begin(), layers.end());
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  const auto refuse = [](const std::string& wanted, const std::string& found) {
    return bad_usage("cannot use this recipe").with("key", "objective.layers").wanted(wanted).found(found);
  };
  if (layers.back() >= spec.layers)
    throw refuse("layers below " + std::to_string(spec.layers) + ", as many as the model has",
                 std::to_string(layers.back()));
  if (method == MethodId::rmu && layers.size() > 1)
    throw refuse("one layer with method: rmu", std::to_string(layers.size()));
  return layers;
}

std::string trained_weights(const Recipe& recipe, const DecoderSpec& spec) {
  if (!recipe.training.weights.empty() || method_named(recipe.method).id != MethodId::rmu)
    return recipe.training.weights;
  const std::int64_t last = inner_layers(recipe, spec).front();
  std::string pattern;
  for (std::int64_t layer = std::max<std::int64_t>(0, last - 2); layer <= last; ++layer) {
    const std::string name = spec.has_experts(layer)
                                 ? spec.layer_name(layer, spec.names.experts) + "*." + spec.names.expert_down
                                 : spec.layer_name(layer, spec.names.down);
    pattern += (pattern.empty() ? "" : "|") + pattern_of(name + ".weight");
  }
  return pattern;
}

}  // namespace lethe
