#include "recipe/recipe_changes.h"

#include <yaml-cpp/yaml.h>

#include "recipe/method_table.h"
#include "recipe/yaml_bytes.h"

namespace lethe {

std::string value_text(const RecipeKey& key, const Recipe& recipe) {
  return yaml_line(key.get(recipe));
}

std::vector<std::string> unread_keys(const Recipe& recipe) {
  const MethodId method = method_named(recipe.method).id;
  const Recipe defaults;
  std::vector<std::string> names;
  for (const RecipeKey& key : recipe_key_table()) {
    if (!key.concerns(method) && value_text(key, recipe) != value_text(key, defaults)) names.push_back(key.name);
  }
  return names;
}

std::vector<RecipeChange> recipe_changes(const Recipe& before, const Recipe& after) {
  std::vector<RecipeChange> changes;
  for (const RecipeKey& key : recipe_key_table()) {
    RecipeChange change{key.name, value_text(key, before), value_text(key, after)};
    if (change.before != change.after) changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace lethe
