// Converts the values of a recipe from and to YAML: one pair of functions for each type of field.
#pragma once

#include <yaml-cpp/yaml.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/enum_words.h"
#include "core/join.h"
#include "data/sources.h"
#include "formats/adapter.h"

namespace lethe::recipe_values {

/// A value of the wrong type; what() says what was wanted. recipe.cpp turns it into an Error that names the key.
class WrongValue : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// The shortest text that parses to the same number.
std::string number_text(double value);
/// The number for messages; whole numbers get commas: "16,777,216".
std::string shown_number(double value);

/// The entries of a map, in their order. @throws WrongValue if a key is not text
std::vector<std::pair<std::string, YAML::Node>> entries_of(const YAML::Node& map);

// read(node, field) sets a field of a recipe. All throw WrongValue.
void read(const YAML::Node& node, std::string& field);
void read(const YAML::Node& node, double& field);
void read(const YAML::Node& node, bool& field);
/// A number, or auto (no value): negation.alpha.
void read(const YAML::Node& node, std::optional<double>& field);
/// A whole number, or auto (no value): safe.steps.
void read(const YAML::Node& node, std::optional<std::int64_t>& field);
/// A layer's number, a list of them, or auto (none): objective.layers.
void read(const YAML::Node& node, std::vector<std::int64_t>& field);
/// One name, or a list of names: evaluation.judge.
void read(const YAML::Node& node, std::vector<std::string>& field);
void read(const YAML::Node& node, std::vector<DataSource>& field);
void read(const YAML::Node& node, LoraTargets& field);
/// {pattern: factor, …}, in the order given: negation.factors.
void read(const YAML::Node& node, std::vector<std::pair<std::string, double>>& field);
/// @throws WrongValue if the node is not a whole number of at least 0
std::int64_t whole_number(const YAML::Node& node);
/// The text of a node. @throws WrongValue (wanted) if it is a list or a map
std::string scalar(const YAML::Node& node, const std::string& wanted);
template <HasWords Enum>
void read(const YAML::Node& node, Enum& field) {
  const std::string wanted = join(all_words<Enum>(), ", ");
  const auto value = from_word<Enum>(scalar(node, wanted));
  if (!value) throw WrongValue(wanted);
  field = *value;
}
template <std::integral Count>
void read(const YAML::Node& node, Count& field) {
  field = static_cast<Count>(whole_number(node));
}

// node_of(field) converts a field to YAML.
YAML::Node node_of(const std::string& field);
YAML::Node node_of(double field);
YAML::Node node_of(bool field);
YAML::Node node_of(const std::optional<double>& field);
YAML::Node node_of(const std::optional<std::int64_t>& field);
YAML::Node node_of(const std::vector<std::int64_t>& field);
YAML::Node node_of(const std::vector<std::string>& field);
YAML::Node node_of(const std::vector<DataSource>& field);
YAML::Node node_of(const LoraTargets& field);
YAML::Node node_of(const std::vector<std::pair<std::string, double>>& field);
template <HasWords Enum>
YAML::Node node_of(Enum field) {
  return YAML::Node(word_of(field));
}
template <std::integral Count>
YAML::Node node_of(Count field) {
  return YAML::Node(std::to_string(field));
}

}  // namespace lethe::recipe_values
