#include "runs/recipe.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <functional>
#include <map>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/numbers.h"
#include "runs/method_table.h"
#include "runs/yaml_bytes.h"
#include "text/template.h"

namespace lethe {
namespace {

struct Key {
  std::string name;
  std::function<void(Recipe&, const YAML::Node&)> set;  // throws std::string: what was wanted
  std::function<YAML::Node(const Recipe&)> get;
};

std::string number_text(double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

std::string scalar(const YAML::Node& node, const char* wanted) {
  if (!node.IsScalar()) throw std::string(wanted);
  return node.Scalar();
}

// A key within a section: {[a]: b} has none.
std::string key_of(const YAML::Node& node) {
  return scalar(node, "texts as keys");
}

// read(node, field) sets a field of a recipe from YAML; node_of(field) writes it. One pair for each type of field.
void read(const YAML::Node& node, std::string& field) {
  field = node.IsNull() ? "" : scalar(node, "a text");
}
YAML::Node node_of(const std::string& field) {
  return YAML::Node(field);
}

void read(const YAML::Node& node, double& field) {
  const auto value = parse_number(scalar(node, "a number"));
  if (!value) throw std::string("a number");
  field = *value;
}
YAML::Node node_of(double field) {
  return YAML::Node(number_text(field));
}

template <std::integral Count>
void read(const YAML::Node& node, Count& field) {
  constexpr const char* wanted = "a whole number of at least 0";
  const auto value = parse_whole_number(scalar(node, wanted));
  if (!value || *value < 0) throw std::string(wanted);
  field = static_cast<Count>(*value);
}
template <std::integral Count>
YAML::Node node_of(Count field) {
  return YAML::Node(std::to_string(field));
}

void read(const YAML::Node& node, bool& field) {
  const std::string text = scalar(node, "true or false");
  if (text != "true" && text != "false") throw std::string("true or false");
  field = text == "true";
}
YAML::Node node_of(bool field) {
  return YAML::Node(field);
}

// negation.alpha: a number, or auto.
void read(const YAML::Node& node, std::optional<double>& field) {
  if (node.IsScalar() && node.Scalar() == "auto") {
    field = std::nullopt;
  } else {
    read(node, field.emplace());
  }
}
YAML::Node node_of(const std::optional<double>& field) {
  return YAML::Node(field ? number_text(*field) : "auto");
}

// evaluation.judge: one name, or a list of them.
void read(const YAML::Node& node, std::vector<std::string>& field) {
  constexpr const char* wanted = "a name, or a list of names";
  field.clear();
  if (!node.IsSequence()) {
    field.push_back(scalar(node, wanted));
  } else {
    for (const auto& entry : node) field.push_back(scalar(entry, wanted));
  }
  for (const std::string& name : field) {
    if (name.empty() || (name == "none" && field.size() > 1)) throw std::string(wanted);
  }
  if (field.empty()) throw std::string(wanted);
}
YAML::Node node_of(const std::vector<std::string>& field) {
  return field.size() == 1 ? YAML::Node(field[0]) : YAML::Node(field);
}

DataSource source_of(const YAML::Node& node) {
  if (node.IsScalar()) return parse_data_source(node.Scalar());
  if (!node.IsMap()) throw std::string("a path, or {path, prompt, response, where}");
  DataSource source;
  const std::map<std::string, std::string*> fields = {
      {"path", &source.path}, {"prompt", &source.prompt}, {"response", &source.response}, {"where", &source.where}};
  for (const auto& entry : node) {
    const auto field = fields.find(key_of(entry.first));
    if (field == fields.end()) throw "path, prompt, response or where, not " + excerpt(key_of(entry.first));
    read(entry.second, *field->second);
  }
  return source;
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
    throw std::string("a list of suffixes, a regular expression, or all-linear");
}
YAML::Node node_of(const LoraTargets& field) {
  return field.pattern.empty() ? YAML::Node(field.suffixes) : YAML::Node(field.pattern);
}

// negation.factors: {pattern: factor, …}, in the order given.
void read(const YAML::Node& node, std::vector<std::pair<std::string, double>>& field) {
  field.clear();
  if (node.IsNull()) return;
  if (!node.IsMap()) throw std::string("{pattern: factor, …}");
  for (const auto& entry : node) {
    field.emplace_back(key_of(entry.first), 0.0);
    read(entry.second, field.back().second);
  }
}
YAML::Node node_of(const std::vector<std::pair<std::string, double>>& field) {
  YAML::Node map(YAML::NodeType::Map);
  for (const auto& [pattern, factor] : field) map[pattern] = number_text(factor);
  return map;
}

template <class Get>
Key key(std::string name, Get get) {
  return {std::move(name), [get](Recipe& recipe, const YAML::Node& node) { read(node, get(recipe)); },
          [get](const Recipe& recipe) { return node_of(get(recipe)); }};
}
#define FIELD(path)           \
  [](auto& recipe) -> auto& { \
    return recipe.path;       \
  }
#define KEY(path) key(#path, FIELD(path))

const std::vector<Key>& keys() {
  static const std::vector<Key> all = {
      KEY(method),
      KEY(model),
      KEY(config),
      KEY(tuning),
      KEY(quantize),
      KEY(lora.rank),
      KEY(lora.alpha),
      KEY(lora.dropout),
      KEY(lora.targets),
      KEY(data.harmful),
      KEY(data.normal),
      KEY(data.train),
      key("data.template", FIELD(data.response_template)),
      KEY(data.system),
      KEY(data.max_length),
      KEY(data.append_eos),
      KEY(data.split.train),
      KEY(data.split.validation),
      KEY(data.split.test),
      KEY(data.split.by),
      KEY(data.split.cosine),
      KEY(data.plan),
      KEY(sku.eps_gd),
      KEY(sku.eps_rd),
      KEY(sku.eps_pd),
      KEY(sku.k),
      KEY(sku.pd_margin),
      KEY(sku.reduction),
      KEY(ga.eps_kl),
      KEY(ga.eps_mismatch),
      KEY(training.steps),
      KEY(training.batch),
      KEY(training.accumulate),
      KEY(training.lr),
      KEY(training.schedule),
      KEY(training.warmup),
      KEY(training.weight_decay),
      KEY(training.clip),
      KEY(training.snapshot_steps),
      KEY(training.snapshot_minutes),
      KEY(training.weights),
      KEY(training.recompute),
      KEY(negation.alpha),
      KEY(negation.kl_budget),
      KEY(negation.factors),
      KEY(negation.rank),
      KEY(negation.repair.steps),
      KEY(negation.repair.lr),
      KEY(negation.repair.alpha),
      KEY(evaluation.judge),
      KEY(evaluation.threshold),
      KEY(evaluation.prompts),
      KEY(evaluation.max_new_tokens),
      KEY(evaluation.other),
      KEY(evaluation.xstest),
      KEY(evaluation.choices),
      KEY(evaluation.text),
      KEY(evaluation.window),
      KEY(evaluation.stride),
      KEY(evaluation.overlap.jaccard),
      KEY(evaluation.overlap.containment),
      KEY(evaluation.bleurt),
      KEY(evaluation.embedder),
      KEY(seed),
      KEY(out),
      KEY(device),
      KEY(dtype),
      KEY(threads),
      KEY(keep_harmful),
  };
  return all;
}
#undef KEY
#undef FIELD

const Key* find_key(const std::string& name) {
  for (const Key& key : keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

bool is_section(const std::string& name) {
  return std::any_of(keys().begin(), keys().end(), [&](const Key& key) { return key.name.starts_with(name + "."); });
}

// Sets one key, or every key of a section. `where` is told in errors.
void set_key(Recipe& recipe, const std::string& name, const YAML::Node& value, const std::string& where,
             std::set<std::string>* seen) {
  if (const Key* key = find_key(name)) {
    if (seen != nullptr && !seen->insert(name).second)
      throw bad_usage("cannot use " + where).with("key", name).found("given twice");
    try {
      key->set(recipe, value);
    } catch (const std::string& wanted) {
      throw bad_usage("cannot use " + where).with("key", name).wanted(wanted).found(excerpt(YAML::Dump(value)));
    }
    return;
  }
  if (is_section(name) && value.IsMap()) {
    for (const auto& entry : value) {
      if (!entry.first.IsScalar()) throw bad_usage("cannot use " + where).with("key", name).wanted("texts as keys");
      set_key(recipe, name + "." + entry.first.Scalar(), entry.second, where, seen);
    }
    return;
  }
  Error error = bad_usage("cannot use " + where).with("key", excerpt(name));
  if (is_section(name)) throw error.wanted("a section: " + name + ": {…}").found(excerpt(YAML::Dump(value)));
  std::vector<std::string> names = recipe_keys();
  const std::string near = nearest(name, names);
  error.found("no such key");
  if (!near.empty()) error.hint(near);
  throw error;
}

YAML::Node parse_yaml(const std::string& text, const std::string& where) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& problem) {
    throw bad_input("cannot read " + where).wanted("YAML").found(excerpt(problem.what(), 200));
  }
}

void set_override(Recipe& recipe, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) throw bad_usage("cannot use " + excerpt(text)).wanted("key=value");
  const std::string name = text.substr(0, equals), value = text.substr(equals + 1);
  // A template or a pattern is taken as it stands, unless it is quoted.
  static const std::set<std::string> plain = {
      "data.template", "data.system", "evaluation.bleurt", "evaluation.embedder", "model",
      "config",        "out",         "data.plan",         "training.weights"};
  const bool as_it_stands = plain.contains(name) && !value.starts_with('"') && !value.starts_with('\'');
  set_key(recipe, name, as_it_stands ? YAML::Node(value) : parse_yaml(value, excerpt(text)), excerpt(text), nullptr);
}

[[noreturn]] void refuse(const std::string& key, const std::string& wanted, const std::string& found) {
  throw bad_usage("cannot use this recipe").with("key", key).wanted(wanted).found(excerpt(found));
}

}  // namespace

Recipe load_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  return parse_recipe(path.empty() ? "" : read_file(path), path.string(), overrides);
}

Recipe parse_recipe(std::string_view yaml, const std::string& where, const std::vector<std::string>& overrides) {
  Recipe recipe;
  const YAML::Node root = parse_yaml(std::string(yaml), where);
  if (!root.IsNull() && !root.IsMap()) throw bad_input("cannot use the recipe " + where).wanted("keys and values");
  std::set<std::string> seen;
  for (const auto& entry : root) {
    const std::string place = where + ", line " + std::to_string(entry.first.Mark().line + 1);
    if (!entry.first.IsScalar()) throw bad_usage("cannot use " + place).wanted("a key");
    set_key(recipe, entry.first.Scalar(), entry.second, place, &seen);
  }
  return with_settings(std::move(recipe), overrides);
}

Recipe with_settings(Recipe recipe, const std::vector<std::string>& settings) {
  for (const std::string& text : settings) set_override(recipe, text);
  check_recipe(recipe);
  return recipe;
}

std::string to_yaml(const Recipe& recipe) {
  YAML::Node root;
  for (const Key& key : keys()) {
    const std::size_t first = key.name.find('.'),
                      second = first == std::string::npos ? first : key.name.find('.', first + 1);
    const YAML::Node value = key.get(recipe);
    if (first == std::string::npos) {
      root[key.name] = value;
    } else if (second == std::string::npos) {
      root[key.name.substr(0, first)][key.name.substr(first + 1)] = value;
    } else {
      root[key.name.substr(0, first)][key.name.substr(first + 1, second - first - 1)][key.name.substr(second + 1)] =
          value;
    }
  }
  return dump_yaml(root) + "\n";
}

Template recipe_template(const Recipe& recipe, const std::filesystem::path& folder) {
  return Template::open(recipe.data.response_template, recipe.data.system, folder);
}

ExampleOptions example_options(const Recipe& recipe) {
  return {.append_eos = recipe.data.append_eos, .max_length = static_cast<std::size_t>(recipe.data.max_length)};
}

void check_recipe(const Recipe& recipe) {
  const auto one_of = [](const std::string& key, const std::string& value, const std::vector<std::string>& known) {
    std::string list;
    for (const std::string& word : known) list += (list.empty() ? "" : ", ") + word;
    if (std::find(known.begin(), known.end(), value) == known.end()) refuse(key, list, value);
  };
  method_named(recipe.method);
  one_of("tuning", recipe.tuning, {"full", "lora"});
  one_of("sku.reduction", recipe.sku.reduction, {"mean", "sum"});
  one_of("quantize", recipe.quantize, {"none", recipe.tuning == "lora" ? "nf4" : "none (nf4 with tuning: lora)"});
  one_of("training.schedule", recipe.training.schedule, {"constant", "linear", "cosine"});
  one_of("data.split.by", recipe.data.split.by, {"prompt", "similarity"});
  const auto positive = [](const std::string& key, double value) {
    if (!(value > 0)) refuse(key, "more than 0", number_text(value));
  };
  const auto not_negative = [](const std::string& key, double value) {
    if (!(value >= 0)) refuse(key, "at least 0", number_text(value));
  };
  positive("lora.rank", static_cast<double>(recipe.lora.rank));
  positive("training.steps", static_cast<double>(recipe.training.steps));
  positive("training.batch", static_cast<double>(recipe.training.batch));
  positive("training.accumulate", static_cast<double>(recipe.training.accumulate));
  positive("training.lr", recipe.training.lr);
  positive("data.max_length", static_cast<double>(recipe.data.max_length));
  positive("negation.kl_budget", recipe.negation.kl_budget);
  positive("negation.repair.lr", recipe.negation.repair.lr);
  positive("negation.repair.alpha", recipe.negation.repair.alpha);
  not_negative("training.clip", recipe.training.clip);
  not_negative("training.snapshot_minutes", recipe.training.snapshot_minutes);
  not_negative("training.weight_decay", recipe.training.weight_decay);
  not_negative("sku.pd_margin", recipe.sku.pd_margin);
  for (const auto& [key, value] : {std::pair{"sku.eps_gd", recipe.sku.eps_gd},
                                   {"sku.eps_rd", recipe.sku.eps_rd},
                                   {"sku.eps_pd", recipe.sku.eps_pd},
                                   {"ga.eps_kl", recipe.ga.eps_kl},
                                   {"ga.eps_mismatch", recipe.ga.eps_mismatch}}) {
    not_negative(key, value);
  }
  if (!(recipe.evaluation.threshold >= 0 && recipe.evaluation.threshold < 1))
    refuse("evaluation.threshold", "0 to below 1", number_text(recipe.evaluation.threshold));
  positive("evaluation.overlap.jaccard", recipe.evaluation.overlap.jaccard);
  positive("evaluation.overlap.containment", recipe.evaluation.overlap.containment);
  if (recipe.lora.dropout < 0 || recipe.lora.dropout >= 1)
    refuse("lora.dropout", "0 to below 1", number_text(recipe.lora.dropout));
  const bool chat = recipe.data.response_template == "chat";
  if (!chat) Template::parse(recipe.data.response_template);
  if (!chat && !recipe.data.system.empty())
    refuse("data.system", "data.template: chat, or nothing", recipe.data.system);
  if (!recipe.training.weights.empty() && recipe.tuning == "lora")
    refuse("training.weights", "nothing with tuning: lora",
           recipe.training.weights + " (lora.targets says what is tuned)");
}

void require_keys(const Recipe& recipe, const std::vector<std::string>& wanted) {
  for (const std::string& name : wanted) {
    const YAML::Node value = find_key(name)->get(recipe);
    const bool empty = value.IsSequence() ? value.size() == 0 : value.Scalar().empty();
    if (!empty) continue;
    const std::size_t dot = name.rfind('.');
    const std::string flag = name == "data.train" ? "data" : dot == std::string::npos ? name : name.substr(dot + 1);
    throw bad_usage("something is missing").with("key", name).hint("--" + flag + " …, or " + name + "=…");
  }
}

std::vector<std::string> recipe_keys() {
  std::vector<std::string> names;
  for (const Key& key : keys()) names.push_back(key.name);
  return names;
}

}  // namespace lethe
