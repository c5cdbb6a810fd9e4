#include "recipe/recipe_yaml.h"

#include <yaml-cpp/yaml.h>

#include <functional>
#include <sstream>
#include <vector>

#include "formats/yaml_keys.h"
#include "recipe/keys.h"
#include "recipe/yaml_bytes.h"

namespace lethe {
namespace {

// {"data", "split", "by"} of "data.split.by"
std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts;
  std::istringstream text(name);
  for (std::string part; std::getline(text, part, '.');) parts.push_back(part);
  return parts;
}

bool holds(const YAML::Node& root, const std::string& name) {
  YAML::Node node = root;
  for (const std::string& part : parts_of(name)) {
    if (!node.IsMap()) return false;
    const YAML::Node inner = const_cast<const YAML::Node&>(node)[part];
    if (!inner.IsDefined()) return false;
    node.reset(inner);
  }
  return true;
}

void put(YAML::Node root, const std::string& name, const YAML::Node& value) {
  const std::vector<std::string> parts = parts_of(name);
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) root.reset(root[parts[i]]);
  root[parts.back()] = value;
}

std::string yaml_of(const Recipe& recipe, const std::function<bool(const std::string& name)>& wanted) {
  YAML::Node root(YAML::NodeType::Map);
  for (const RecipeKey& key : recipe_key_table()) {
    if (wanted(key.name)) put(root, key.name, key.get(recipe));
  }
  return dump_yaml(root) + "\n";
}

}  // namespace

std::string to_yaml_with_keys_of(const Recipe& recipe, const std::string& older) {
  const YAML::Node root = load_yaml(older, "cannot read the recipe of the unfinished run");
  return yaml_of(recipe, [&](const std::string& name) { return holds(root, name); });
}

std::string all_keys_as_yaml(const Recipe& recipe) {
  return yaml_of(recipe, [](const std::string&) { return true; });
}

}  // namespace lethe
