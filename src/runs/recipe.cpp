#include "runs/recipe.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <set>

#include "core/error.h"
#include "core/files.h"
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

std::string text_value(const YAML::Node& node) {
  return node.IsNull() ? "" : scalar(node, "a text");
}
double number_value(const YAML::Node& node) {
  const std::string text = scalar(node, "a number");
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw std::string("a number");
  return value;
}
std::int64_t count_value(const YAML::Node& node) {
  const std::string text = scalar(node, "a whole number of at least 0");
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < 0)
    throw std::string("a whole number of at least 0");
  return value;
}
bool flag_value(const YAML::Node& node) {
  const std::string text = scalar(node, "true or false");
  if (text == "true") return true;
  if (text == "false") return false;
  throw std::string("true or false");
}

DataSource source_value(const YAML::Node& node) {
  if (node.IsScalar()) return parse_data_source(node.Scalar());
  if (!node.IsMap()) throw std::string("a path, or {path, prompt, response, where}");
  DataSource source;
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (key == "path")
      source.path = text_value(entry.second);
    else if (key == "prompt")
      source.prompt = text_value(entry.second);
    else if (key == "response")
      source.response = text_value(entry.second);
    else if (key == "where")
      source.where = text_value(entry.second);
    else
      throw "path, prompt, response or where, not " + excerpt(key);
  }
  return source;
}
std::vector<DataSource> sources_value(const YAML::Node& node) {
  std::vector<DataSource> sources;
  if (node.IsNull()) return sources;
  if (!node.IsSequence()) return {source_value(node)};
  for (const auto& entry : node) sources.push_back(source_value(entry));
  return sources;
}
YAML::Node sources_node(const std::vector<DataSource>& sources) {
  YAML::Node list(YAML::NodeType::Sequence);
  for (const DataSource& source : sources) {
    YAML::Node entry;
    entry["path"] = source.path;
    if (!source.prompt.empty()) entry["prompt"] = source.prompt;
    if (!source.response.empty()) entry["response"] = source.response;
    if (!source.where.empty()) entry["where"] = source.where;
    list.push_back(entry);
  }
  return list;
}

LoraTargets targets_value(const YAML::Node& node) {
  LoraTargets targets;
  targets.suffixes.clear();
  if (node.IsScalar()) {
    targets.pattern = node.Scalar();
  } else if (node.IsSequence()) {
    for (const auto& entry : node) targets.suffixes.push_back(scalar(entry, "a list of suffixes"));
  }
  if (targets.pattern.empty() && targets.suffixes.empty())
    throw std::string("a list of suffixes, a regular expression, or all-linear");
  return targets;
}

template <class Get>
Key text_key(std::string name, Get get) {
  return {std::move(name), [get](Recipe& r, const YAML::Node& n) { get(r) = text_value(n); },
          [get](const Recipe& r) { return YAML::Node(get(const_cast<Recipe&>(r))); }};
}
template <class Get>
Key number_key(std::string name, Get get) {
  return {std::move(name), [get](Recipe& r, const YAML::Node& n) { get(r) = number_value(n); },
          [get](const Recipe& r) { return YAML::Node(number_text(get(const_cast<Recipe&>(r)))); }};
}
template <class Get>
Key count_key(std::string name, Get get) {
  return {
      std::move(name),
      [get](Recipe& r, const YAML::Node& n) { get(r) = static_cast<std::decay_t<decltype(get(r))>>(count_value(n)); },
      [get](const Recipe& r) { return YAML::Node(std::to_string(get(const_cast<Recipe&>(r)))); }};
}
template <class Get>
Key flag_key(std::string name, Get get) {
  return {std::move(name), [get](Recipe& r, const YAML::Node& n) { get(r) = flag_value(n); },
          [get](const Recipe& r) { return YAML::Node(get(const_cast<Recipe&>(r))); }};
}
template <class Get>
Key sources_key(std::string name, Get get) {
  return {std::move(name), [get](Recipe& r, const YAML::Node& n) { get(r) = sources_value(n); },
          [get](const Recipe& r) { return sources_node(get(const_cast<Recipe&>(r))); }};
}
#define FIELD(path)         \
  [](Recipe & r) -> auto& { \
    return r.path;          \
  }

const std::vector<Key>& keys() {
  static const std::vector<Key> all = {
      text_key("method", FIELD(method)),
      text_key("model", FIELD(model)),
      text_key("config", FIELD(config)),
      text_key("tuning", FIELD(tuning)),
      count_key("lora.rank", FIELD(lora.rank)),
      number_key("lora.alpha", FIELD(lora.alpha)),
      number_key("lora.dropout", FIELD(lora.dropout)),
      {"lora.targets", [](Recipe& r, const YAML::Node& n) { r.lora.targets = targets_value(n); },
       [](const Recipe& r) {
         const LoraTargets& targets = r.lora.targets;
         return targets.pattern.empty() ? YAML::Node(targets.suffixes) : YAML::Node(targets.pattern);
       }},
      sources_key("data.harmful", FIELD(data.harmful)),
      sources_key("data.normal", FIELD(data.normal)),
      sources_key("data.train", FIELD(data.train)),
      text_key("data.template", FIELD(data.response_template)),
      count_key("data.max_length", FIELD(data.max_length)),
      flag_key("data.append_eos", FIELD(data.append_eos)),
      number_key("data.split.train", FIELD(data.split.train)),
      number_key("data.split.validation", FIELD(data.split.validation)),
      number_key("data.split.test", FIELD(data.split.test)),
      text_key("data.split.by", FIELD(data.split.by)),
      number_key("data.split.cosine", FIELD(data.split.cosine)),
      text_key("data.plan", FIELD(data.plan)),
      number_key("sku.eps_gd", FIELD(sku.eps_gd)),
      number_key("sku.eps_rd", FIELD(sku.eps_rd)),
      number_key("sku.eps_pd", FIELD(sku.eps_pd)),
      count_key("sku.k", FIELD(sku.k)),
      number_key("sku.pd_margin", FIELD(sku.pd_margin)),
      text_key("sku.reduction", FIELD(sku.reduction)),
      count_key("training.steps", FIELD(training.steps)),
      count_key("training.batch", FIELD(training.batch)),
      count_key("training.accumulate", FIELD(training.accumulate)),
      number_key("training.lr", FIELD(training.lr)),
      text_key("training.schedule", FIELD(training.schedule)),
      count_key("training.warmup", FIELD(training.warmup)),
      number_key("training.weight_decay", FIELD(training.weight_decay)),
      number_key("training.clip", FIELD(training.clip)),
      {"negation.alpha",
       [](Recipe& r, const YAML::Node& n) {
         r.negation.alpha =
             n.IsScalar() && n.Scalar() == "auto" ? std::nullopt : std::optional<double>(number_value(n));
       },
       [](const Recipe& r) { return YAML::Node(r.negation.alpha ? number_text(*r.negation.alpha) : "auto"); }},
      number_key("negation.kl_budget", FIELD(negation.kl_budget)),
      text_key("evaluation.judge", FIELD(evaluation.judge)),
      count_key("evaluation.prompts", FIELD(evaluation.prompts)),
      count_key("evaluation.max_new_tokens", FIELD(evaluation.max_new_tokens)),
      count_key("seed", FIELD(seed)),
      text_key("out", FIELD(out)),
      text_key("device", FIELD(device)),
      text_key("dtype", FIELD(dtype)),
      count_key("threads", FIELD(threads)),
      flag_key("keep_harmful", FIELD(keep_harmful)),
  };
  return all;
}
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
    for (const auto& entry : value)
      set_key(recipe, name + "." + entry.first.as<std::string>(), entry.second, where, seen);
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
  static const std::set<std::string> plain = {"data.template", "model", "config", "out", "data.plan"};
  const bool as_it_stands = plain.contains(name) && !value.starts_with('"') && !value.starts_with('\'');
  set_key(recipe, name, as_it_stands ? YAML::Node(value) : parse_yaml(value, excerpt(text)), excerpt(text), nullptr);
}

[[noreturn]] void refuse(const std::string& key, const std::string& wanted, const std::string& found) {
  throw bad_usage("cannot use this recipe").with("key", key).wanted(wanted).found(excerpt(found));
}

}  // namespace

Recipe load_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  Recipe recipe;
  if (!path.empty()) {
    const YAML::Node root = parse_yaml(read_file(path), path.string());
    if (!root.IsNull() && !root.IsMap())
      throw bad_input("cannot use the recipe " + path.string()).wanted("keys and values");
    std::set<std::string> seen;
    for (const auto& entry : root) {
      const std::string where = path.string() + ", line " + std::to_string(entry.first.Mark().line + 1);
      if (!entry.first.IsScalar()) throw bad_usage("cannot use " + where).wanted("a key");
      set_key(recipe, entry.first.Scalar(), entry.second, where, &seen);
    }
  }
  for (const std::string& text : overrides) set_override(recipe, text);
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
  return YAML::Dump(root) + "\n";
}

void check_recipe(const Recipe& recipe) {
  const auto one_of = [](const std::string& key, const std::string& value, const std::vector<std::string>& known) {
    std::string list;
    for (const std::string& word : known) list += (list.empty() ? "" : ", ") + word;
    if (std::find(known.begin(), known.end(), value) == known.end()) refuse(key, list, value);
  };
  one_of("method", recipe.method, {"sku", "finetune"});
  one_of("tuning", recipe.tuning, {"full", "lora"});
  one_of("sku.reduction", recipe.sku.reduction, {"mean", "sum"});
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
  not_negative("training.clip", recipe.training.clip);
  not_negative("training.weight_decay", recipe.training.weight_decay);
  not_negative("sku.pd_margin", recipe.sku.pd_margin);
  for (const auto& [key, value] : {std::pair{"sku.eps_gd", recipe.sku.eps_gd},
                                   {"sku.eps_rd", recipe.sku.eps_rd},
                                   {"sku.eps_pd", recipe.sku.eps_pd}}) {
    not_negative(key, value);
  }
  if (recipe.lora.dropout < 0 || recipe.lora.dropout >= 1)
    refuse("lora.dropout", "0 to below 1", number_text(recipe.lora.dropout));
  Template::parse(recipe.data.response_template);
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
