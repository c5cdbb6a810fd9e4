#include "recipe/recipe_changes.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "recipe/keys.h"
#include "recipe/yaml_bytes.h"

namespace lethe {
namespace {

std::string one_line_of(YAML::Node value) {
  if (!value.IsScalar()) value.SetStyle(YAML::EmitterStyle::Flow);
  std::string text = dump_yaml(value);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

std::vector<RecipeChange> recipe_changes(const Recipe& before, const Recipe& after) {
  std::vector<RecipeChange> changes;
  for (const RecipeKey& key : recipe_key_table()) {
    RecipeChange change{key.name, one_line_of(key.get(before)), one_line_of(key.get(after))};
    if (change.before != change.after) changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace lethe
