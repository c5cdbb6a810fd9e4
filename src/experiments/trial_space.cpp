#include "experiments/trial_space.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.h"
#include "core/files.h"
#include "core/join.h"
#include "core/numbers.h"
#include "core/random.h"
#include "core/similar.h"
#include "formats/yaml_keys.h"
#include "recipe/keys.h"
#include "recipe/recipe_changes.h"
#include "recipe/recipe_values.h"
#include "recipe/yaml_bytes.h"

namespace lethe {
namespace {

constexpr std::size_t kMostKeys = 100, kMostValues = 1000;

// Checks one value as a recipe's.
void check_value(const Recipe& base, const std::string& name, const std::string& value, const std::string& place) {
  try {
    with_settings(base, {name + "=" + value});
  } catch (Error& error) {
    throw error.with("in", place);
  }
}

bool takes_fractions(const RecipeKey& key) {
  try {
    Recipe recipe;
    key.set(recipe, YAML::Node("0.5"));
    return true;
  } catch (const recipe_values::WrongValue&) {
    return false;
  }
}

SpaceKey range_of(const RecipeKey& key, const YAML::Node& node, const std::string& place) {
  const auto wrong = [&](const std::string& found) {
    return bad_usage("cannot use " + place)
        .with("key", key.name)
        .wanted("[value, …], or {min: A, max: B} with A below B, and log: true for both above 0")
        .found(excerpt(found));
  };
  const std::string found = yaml_line(node);
  if (key.kind != ValueKind::count && key.kind != ValueKind::number && key.kind != ValueKind::auto_number)
    throw wrong("a range, of a key that is no number: " + found).hint("a list of values");
  SpaceKey range{.name = key.name, .whole = !takes_fractions(key)};
  bool has_least = false, has_most = false;
  try {
    for (const auto& [name, value] : recipe_values::entries_of(node)) {
      if (name == "min") {
        recipe_values::read(value, range.least);
        has_least = true;
      } else if (name == "max") {
        recipe_values::read(value, range.most);
        has_most = true;
      } else if (name == "log") {
        recipe_values::read(value, range.log);
      } else {
        throw wrong(name);
      }
    }
  } catch (const recipe_values::WrongValue&) {
    throw wrong(found);
  }
  const bool numbers = has_least && has_most && std::isfinite(range.least) && std::isfinite(range.most);
  if (!numbers || range.least >= range.most || (range.log && range.least <= 0)) throw wrong(found);
  return range;
}

class SpaceReader {
 public:
  SpaceReader(std::string where, const Recipe& base) : where_(std::move(where)), base_(base) {}

  void read(const std::string& name, const YAML::Node& node) {
    const std::string place = where_ + ", line " + std::to_string(node.Mark().line + 1);
    const auto& sections = recipe_sections();
    const bool section = std::any_of(sections.begin(), sections.end(), [&](const auto& s) { return s.first == name; });
    if (section && node.IsMap()) {
      for (const auto& entry : node) read(name + "." + key_of(entry.first), entry.second);
      return;
    }
    check_trained_key(name, "cannot search over " + excerpt(name) + " (" + place + ")");
    for (const SpaceKey& other : space.keys) {
      if (other.name == name) throw bad_usage("cannot use " + place).with("key", name).found("given twice");
    }
    if (space.keys.size() == kMostKeys) throw bad_usage("cannot use " + place).wanted("at most 100 keys");
    space.keys.push_back(node.IsMap() ? range_of(key_named(name), node, place) : choices_of(name, node, place));
    const SpaceKey& key = space.keys.back();
    for (const std::string& value : key.values) check_value(base_, name, value, place);
    if (key.values.empty()) {
      for (const double end : {key.least, key.most}) check_value(base_, name, recipe_values::number_text(end), place);
    }
  }
  std::string key_of(const YAML::Node& node) const {
    if (!node.IsScalar()) throw bad_usage("cannot use the space " + where_).wanted("names of keys");
    return node.Scalar();
  }

  TrialSpace space;

 private:
  static SpaceKey choices_of(const std::string& name, const YAML::Node& node, const std::string& place) {
    if (!node.IsSequence() || node.size() == 0 || node.size() > kMostValues) {
      throw bad_usage("cannot use " + place)
          .with("key", name)
          .wanted("a list of 1 to 1,000 values, or {min: A, max: B}")
          .found(node.IsSequence() ? with_commas(node.size()) + " values" : excerpt(yaml_line(node)));
    }
    SpaceKey key{.name = name};
    const bool literal = key_named(name).literal;
    for (const auto& value : node)
      key.values.push_back(literal && value.IsScalar() ? value.Scalar() : yaml_line(value));
    return key;
  }

  std::string where_;
  const Recipe& base_;
};

// A value of the key, as text for a recipe.
std::string drawn(const SpaceKey& key, RandomStream& stream) {
  if (!key.values.empty()) return key.values[stream.below(key.values.size())];
  const double share = stream.uniform();
  const double number = key.log     ? std::exp(std::log(key.least) + share * (std::log(key.most) - std::log(key.least)))
                        : key.whole ? std::floor(key.least + share * (key.most - key.least + 1))
                                    : key.least + share * (key.most - key.least);
  char text[32];
  std::snprintf(text, sizeof text, key.whole ? "%.0f" : "%.3g", number);
  const double rounded = std::clamp(parse_number(text).value_or(number), key.least, key.most);
  return recipe_values::number_text(rounded);
}

Recipe varied(const Recipe& base, const std::vector<std::pair<std::string, std::string>>& settings) {
  std::vector<std::string> overrides;
  for (const auto& [key, value] : settings) overrides.push_back(key + "=" + value);
  return with_settings(base, overrides);
}

// Whether a training by this recipe reads the key.
bool has_effect(const RecipeKey& key, const Recipe& recipe) {
  if (!key.concerns(method_named(recipe.method).id)) return false;
  if (key.condition.empty()) return true;
  const std::size_t colon = key.condition.find(": ");
  return value_text(key_named(key.condition.substr(0, colon)), recipe) == key.condition.substr(colon + 2);
}

// The recipe with every method and tuning of the space.
std::vector<Recipe> recipes_of(const TrialSpace& space, const Recipe& base) {
  std::vector<Recipe> recipes = {base};
  for (const SpaceKey& key : space.keys) {
    if (key.name != "method" && key.name != "tuning") continue;
    std::vector<Recipe> wider;
    for (const Recipe& recipe : recipes) {
      for (const std::string& value : key.values) wider.push_back(varied(recipe, {{key.name, value}}));
    }
    recipes = std::move(wider);
  }
  return recipes;
}

}  // namespace

void check_effects(const TrialSpace& space, const std::vector<Recipe>& recipes) {
  std::vector<Recipe> tried;
  std::vector<std::string> names;
  for (const Recipe& base : recipes) {
    for (Recipe& recipe : recipes_of(space, base)) tried.push_back(std::move(recipe));
    if (std::find(names.begin(), names.end(), base.method) == names.end()) names.push_back(base.method);
  }
  for (const SpaceKey& key : space.keys) {
    const RecipeKey& row = key_named(key.name);
    if (std::any_of(tried.begin(), tried.end(), [&](const Recipe& recipe) { return has_effect(row, recipe); }))
      continue;
    throw bad_usage("cannot search over " + key.name)
        .wanted("a key that " + either_of(names) + " reads" + (row.condition.empty() ? "" : ", with " + row.condition))
        .found("a key without effect on any trial")
        .hint("leave it out; lethe methods " + names.at(0) + " prints its keys");
  }
}

std::string TrialSpace::text() const {
  std::vector<std::string> parts;
  for (const SpaceKey& key : keys) {
    parts.push_back(key.name + " " +
                    (key.values.empty() ? recipe_values::number_text(key.least) + " to " +
                                              recipe_values::number_text(key.most) + (key.log ? " (log)" : "")
                                        : excerpt(either_of(key.values), 100)));
  }
  return join(parts, ", ");
}

TrialSpace load_space(const std::filesystem::path& file, const Recipe& base) {
  return parse_space(read_file(file), file.string(), base);
}

TrialSpace parse_space(const std::string& yaml, const std::string& where, const Recipe& base) {
  const YAML::Node root = load_yaml(yaml, "cannot read the space " + where);
  if (!root.IsMap() || root.size() == 0) {
    throw bad_usage("cannot use the space " + where)
        .wanted("KEY: [value, …] or KEY: {min: A, max: B, log: true}")
        .found(root.IsNull() ? "nothing" : "no keys");
  }
  SpaceReader reader(where, base);
  for (const auto& entry : root) reader.read(reader.key_of(entry.first), entry.second);
  return std::move(reader.space);
}

std::vector<Variant> draw_trials(const TrialSpace& space, const Recipe& base, std::size_t count, std::uint64_t seed) {
  std::vector<Variant> trials = {{{}, base}};
  // In a space with few settings most draws repeat an earlier one.
  const std::size_t most = 100 * count + 1000;
  for (std::size_t attempt = 0; trials.size() < count && attempt < most; ++attempt) {
    Variant trial;
    for (const SpaceKey& key : space.keys) {
      RandomStream stream(seed, "trial " + key.name, attempt);
      trial.settings.emplace_back(key.name, drawn(key, stream));
    }
    const Recipe with_all = varied(base, trial.settings);
    std::erase_if(trial.settings, [&](const auto& s) { return !has_effect(key_named(s.first), with_all); });
    trial.recipe = varied(base, trial.settings);
    if (std::none_of(trials.begin(), trials.end(), [&](const Variant& v) { return v.recipe == trial.recipe; }))
      trials.push_back(std::move(trial));
  }
  return trials;
}

}  // namespace lethe
