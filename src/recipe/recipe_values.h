// The values of a recipe in YAML and back: one pair of functions for each type of field.
#pragma once

#include <yaml-cpp/yaml.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/sources.h"
#include "formats/adapter.h"

namespace lethe::recipe_values {

/// The shortest text that reads back as this number.
std::string number_text(double value);

/// The entries of a map, in their order. @throws std::string (what was wanted) if a key is no text
std::vector<std::pair<std::string, YAML::Node>> entries_of(const YAML::Node& map);

// read(node, field) sets a field of a recipe. All throw std::string: what was wanted.
void read(const YAML::Node& node, std::string& field);
void read(const YAML::Node& node, double& field);
void read(const YAML::Node& node, bool& field);
/// negation.alpha: a number, or auto.
void read(const YAML::Node& node, std::optional<double>& field);
/// evaluation.judge: one name, or a list of them.
void read(const YAML::Node& node, std::vector<std::string>& field);
void read(const YAML::Node& node, std::vector<DataSource>& field);
void read(const YAML::Node& node, LoraTargets& field);
/// negation.factors: {pattern: factor, …}, in the order given.
void read(const YAML::Node& node, std::vector<std::pair<std::string, double>>& field);
/// @throws std::string if the node is no whole number of at least 0
std::int64_t whole_number(const YAML::Node& node);
template <std::integral Count>
void read(const YAML::Node& node, Count& field) {
  field = static_cast<Count>(whole_number(node));
}

// node_of(field) writes it.
YAML::Node node_of(const std::string& field);
YAML::Node node_of(double field);
YAML::Node node_of(bool field);
YAML::Node node_of(const std::optional<double>& field);
YAML::Node node_of(const std::vector<std::string>& field);
YAML::Node node_of(const std::vector<DataSource>& field);
YAML::Node node_of(const LoraTargets& field);
YAML::Node node_of(const std::vector<std::pair<std::string, double>>& field);
template <std::integral Count>
YAML::Node node_of(Count field) {
  return YAML::Node(std::to_string(field));
}

}  // namespace lethe::recipe_values
