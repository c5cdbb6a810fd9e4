#include "experiments/sweep_grid.h"

#include <algorithm>

#include "core/error.h"
#include "core/similar.h"
#include "recipe/key_hints.h"

namespace lethe {
namespace {

struct SweptKey {
  std::string name;
  std::vector<std::string> values;
};

std::vector<std::string> parted(const std::string& text) {
  std::vector<std::string> values(1);
  int depth = 0;
  for (const char c : text) {
    depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    if (c == ',' && depth == 0) {
      values.emplace_back();
    } else {
      values.back() += c;
    }
  }
  return values;
}

// Throws unless points that differ in this key can be compared.
void check_swept(const std::string& name) {
  const std::string doing = "cannot sweep over " + excerpt(name);
  const auto refused = [&] { return bad_usage(doing).found("no training depends on it"); };
  if (name == "negation.alpha") throw refused().hint("--alpha");
  if (name == "negation.kl_budget") throw refused().hint("--budgets");
  check_trained_key(name, doing);
}

SweptKey swept_key(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw bad_usage("cannot use --over " + excerpt(text)).wanted("KEY=VALUE,VALUE,…");
  SweptKey key{text.substr(0, equals), parted(text.substr(equals + 1))};
  check_swept(key.name);
  return key;
}

}  // namespace

void check_trained_key(const std::string& name, const std::string& doing) {
  const std::vector<std::string> keys = recipe_keys();
  if (std::find(keys.begin(), keys.end(), name) == keys.end()) {
    Error error = bad_usage(doing).found("no such key");
    if (const KeyHint hint = key_hint(name, keys); !hint.keys.empty()) error.hint(either_of(hint.keys));
    throw error;
  }
  for (const char* section :
       {"method", "tuning", "lora.", "sku.", "ga.", "safe.", "objective.", "training.", "negation."}) {
    if (name.starts_with(section)) return;
  }
  throw bad_usage(doing).found("a key that is not about training: all points share data, seed and evaluation");
}

std::string Variant::label() const {
  std::string text;
  for (const auto& [key, value] : settings) text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

std::vector<Variant> grid_of(const std::vector<std::string>& over, const Recipe& base) {
  constexpr std::size_t kMost = 1000;
  std::vector<Variant> grid = {{{}, base}};
  std::vector<std::string> names;
  for (const std::string& text : over) {
    const SweptKey key = swept_key(text);
    if (std::find(names.begin(), names.end(), key.name) != names.end())
      throw bad_usage("cannot sweep over " + key.name).found("given twice");
    names.push_back(key.name);
    std::vector<Variant> wider;
    for (const Variant& variant : grid) {
      for (const std::string& value : key.values) {
        wider.push_back(variant);
        wider.back().settings.emplace_back(key.name, value);
      }
    }
    if (wider.size() > kMost)
      throw bad_usage("cannot sweep").wanted("at most 1,000 trainings").found(with_commas(wider.size()) + " or more");
    grid = std::move(wider);
  }
  const std::string yaml = to_yaml(base);
  for (Variant& variant : grid) {
    std::vector<std::string> overrides;
    for (const auto& [key, value] : variant.settings) overrides.push_back(key + "=" + value);
    if (!overrides.empty()) variant.recipe = parse_recipe(yaml, "the run's recipe", overrides);
  }
  return grid;
}

}  // namespace lethe
