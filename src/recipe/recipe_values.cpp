#include "recipe/recipe_values.h"

#include <charconv>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/numbers.h"

namespace lethe::recipe_values {
namespace {

DataSource source_of(const YAML::Node& node) {
  if (node.IsScalar()) return parse_data_source(node.Scalar());
  if (!node.IsMap()) throw WrongValue("a path, or {path, prompt, response, where}");
  DataSource source;
  const std::map<std::string, std::string*> fields = {
      {"path", &source.path}, {"prompt", &source.prompt}, {"response", &source.response}, {"where", &source.where}};
  for (const auto& [name, value] : entries_of(node)) {
    const auto field = fields.find(name);
    if (field == fields.end()) throw WrongValue("path, prompt, response or where, not " + excerpt(name));
    read(value, *field->second);
  }
  return source;
}

}  // namespace

std::string scalar(const YAML::Node& node, const std::string& wanted) {
  if (!node.IsScalar()) throw WrongValue(wanted);
  return node.Scalar();
}

std::string shown_number(double value) {
  if (std::abs(value) < 1e15 && value == std::floor(value))
    return (value < 0 ? "-" : "") + with_commas(static_cast<std::uint64_t>(std::abs(value)));
  return number_text(value);
}

std::string number_text(double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

std::vector<std::pair<std::string, YAML::Node>> entries_of(const YAML::Node& map) {
  std::vector<std::pair<std::string, YAML::Node>> entries;
  for (const auto& entry : map) entries.emplace_back(scalar(entry.first, "texts as keys"), entry.second);
  return entries;
}

void read(const YAML::Node& node, std::string& field) {
  field = node.IsNull() ? "" : scalar(node, "a text");
}
YAML::Node node_of(const std::string& field) {
  return YAML::Node(field);
}

void read(const YAML::Node& node, double& field) {
  const auto value = parse_number(scalar(node, "a number"));
  if (!value) throw WrongValue("a number");
  field = *value;
}
YAML::Node node_of(double field) {
  return YAML::Node(number_text(field));
}

std::int64_t whole_number(const YAML::Node& node) {
  constexpr const char* wanted = "a whole number of at least 0";
  const auto value = parse_whole_number(scalar(node, wanted));
  if (!value || *value < 0) throw WrongValue(wanted);
  return *value;
}

void read(const YAML::Node& node, bool& field) {
  const std::string text = scalar(node, "true or false");
  if (text != "true" && text != "false") throw WrongValue("true or false");
  field = text == "true";
}
YAML::Node node_of(bool field) {
  return YAML::Node(field);
}

void read(const YAML::Node& node, std::optional<double>& field) {
  constexpr const char* wanted = "a number, or auto";
  const std::string text = scalar(node, wanted);
  const auto value = text == "auto" ? std::nullopt : parse_number(text);
  if (text != "auto" && !value) throw WrongValue(wanted);
  field = value;
}
YAML::Node node_of(const std::optional<double>& field) {
  return YAML::Node(field ? number_text(*field) : "auto");
}

void read(const YAML::Node& node, std::optional<std::int64_t>& field) {
  constexpr const char* wanted = "a whole number, or auto";
  const std::string text = scalar(node, wanted);
  const auto value = text == "auto" ? std::nullopt : parse_whole_number(text);
  if (text != "auto" && (!value || *value < 0)) throw WrongValue(wanted);
  field = value;
}
YAML::Node node_of(const std::optional<std::int64_t>& field) {
  return YAML::Node(field ? std::to_string(*field) : "auto");
}

void read(const YAML::Node& node, std::vector<std::int64_t>& field) {
  constexpr const char* wanted = "a layer's number, a list of them, or auto";
  field.clear();
  const auto add = [&](const YAML::Node& entry) {
    const auto value = parse_whole_number(scalar(entry, wanted));
    if (!value || *value < 0) throw WrongValue(wanted);
    field.push_back(*value);
  };
  if (node.IsSequence()) {
    for (const auto& entry : node) add(entry);
  } else if (scalar(node, wanted) != "auto") {
    add(node);
  }
}
YAML::Node node_of(const std::vector<std::int64_t>& field) {
  if (field.empty()) return YAML::Node("auto");
  if (field.size() == 1) return YAML::Node(std::to_string(field[0]));
  YAML::Node list(YAML::NodeType::Sequence);
  for (const std::int64_t layer : field) list.push_back(std::to_string(layer));
  return list;
}

void read(const YAML::Node& node, std::vector<std::string>& field) {
  constexpr const char* wanted = "a name, or a list of names";
  field.clear();
  if (!node.IsSequence()) {
    field.push_back(scalar(node, wanted));
  } else {
    for (const auto& entry : node) field.push_back(scalar(entry, wanted));
  }
  for (const std::string& name : field) {
    if (name.empty() || (name == "none" && field.size() > 1)) throw WrongValue(wanted);
  }
  if (field.empty()) throw WrongValue(wanted);
}
YAML::Node node_of(const std::vector<std::string>& field) {
  return field.size() == 1 ? YAML::Node(field[0]) : YAML::Node(field);
}

void read(const YAML::Node& node, std::vector<DataSource>& field) {
  field.clear();
  if (node.IsNull()) return;
  if (!node.IsSequence()) {
    field.push_back(source_of(node));
    return;
  }
  for (const auto& entry : node) field.push_back(source_of(entry));
}
YAML::Node node_of(const std::vector<DataSource>& field) {
  YAML::Node list(YAML::NodeType::Sequence);
  for (const DataSource& source : field) {
    YAML::Node entry;
    entry["path"] = source.path;
    if (!source.prompt.empty()) entry["prompt"] = source.prompt;
    if (!source.response.empty()) entry["response"] = source.response;
    if (!source.where.empty()) entry["where"] = source.where;
    list.push_back(entry);
  }
  return list;
}

void read(const YAML::Node& node, LoraTargets& field) {
  field = {.suffixes = {}, .pattern = ""};
  if (node.IsScalar()) {
    field.pattern = node.Scalar();
  } else if (node.IsSequence()) {
    for (const auto& entry : node) field.suffixes.push_back(scalar(entry, "a list of suffixes"));
  }
  if (field.pattern.empty() && field.suffixes.empty())
    throw WrongValue("a list of suffixes, a regular expression, or all-linear");
}
YAML::Node node_of(const LoraTargets& field) {
  return field.pattern.empty() ? YAML::Node(field.suffixes) : YAML::Node(field.pattern);
}

void read(const YAML::Node& node, std::vector<std::pair<std::string, double>>& field) {
  field.clear();
  if (node.IsNull()) return;
  if (!node.IsMap()) throw WrongValue("{pattern: factor, …}");
  for (const auto& [pattern, factor] : entries_of(node)) {
    field.emplace_back(pattern, 0.0);
    read(factor, field.back().second);
  }
}
YAML::Node node_of(const std::vector<std::pair<std::string, double>>& field) {
  YAML::Node map(YAML::NodeType::Map);
  for (const auto& [pattern, factor] : field) map[pattern] = number_text(factor);
  return map;
}

}  // namespace lethe::recipe_values
