#include "recipe/recipe.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/similar.h"
#include "judges/yaml_keys.h"
#include "prompts/template.h"
#include "recipe/key_hints.h"
#include "recipe/method_table.h"
#include "recipe/recipe_bounds.h"
#include "recipe/recipe_values.h"
#include "recipe/yaml_bytes.h"

namespace lethe {
using recipe_values::entries_of;
using recipe_values::number_text;
namespace {

struct Key {
  std::string name;
  std::function<void(Recipe&, const YAML::Node&)> set;  // throws std::string: what was wanted
  std::function<YAML::Node(const Recipe&)> get;
};

template <class Get>
Key key(std::string name, Get get) {
  return {std::move(name), [get](Recipe& recipe, const YAML::Node& node) { recipe_values::read(node, get(recipe)); },
          [get](const Recipe& recipe) { return recipe_values::node_of(get(recipe)); }};
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

std::vector<std::string> sections() {
  std::vector<std::string> names;
  for (const Key& key : keys()) {
    const std::size_t dot = key.name.rfind('.');
    if (dot == std::string::npos) continue;
    if (names.empty() || names.back() != key.name.substr(0, dot)) names.push_back(key.name.substr(0, dot));
  }
  return names;
}

Error no_such_key(const std::string& name, const YAML::Node& value, const std::string& where) {
  Error error = bad_usage("cannot use " + where);
  error.with("key", excerpt(name)).found("no such key");
  if (const std::vector<std::string> near = similar(name, sections()); value.IsMap() && !near.empty())
    return error.hint(near[0] + ": {…}");
  const KeyHint hint = key_hint(name, recipe_keys());
  if (!hint.keys.empty()) error.hint(either_of(hint.keys));
  if (!hint.note.empty()) error.with("note", hint.note);
  return error;
}

// Sets one key, or every key of a section. `where` is told in errors.
void set_key(Recipe& recipe, const std::string& name, const YAML::Node& value, const std::string& where,
             std::set<std::string>& seen) {
  const bool section = is_section(name);
  if ((section || find_key(name) != nullptr) && !seen.insert(name).second)
    throw bad_usage("cannot use " + where).with("key", name).found("given twice");
  if (section && !value.IsMap())
    throw bad_usage("cannot use " + where)
        .with("key", name)
        .wanted("a section: " + name + ": {…}")
        .found(excerpt(YAML::Dump(value)));
  try {
    if (const Key* key = find_key(name)) return key->set(recipe, value);
    if (!section) throw no_such_key(name, value, where);
    for (const auto& [part, inner] : entries_of(value)) set_key(recipe, name + "." + part, inner, where, seen);
  } catch (const std::string& wanted) {
    throw bad_usage("cannot use " + where).with("key", name).wanted(wanted).found(excerpt(YAML::Dump(value)));
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
  std::set<std::string> seen;
  set_key(recipe, name, as_it_stands ? YAML::Node(value) : load_yaml(value, "cannot use " + excerpt(text)),
          excerpt(text), seen);
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
  const YAML::Node root = load_yaml(std::string(yaml), "cannot read the recipe " + where);
  if (!root.IsNull() && !root.IsMap()) throw bad_input("cannot use the recipe " + where).wanted("keys and values");
  std::set<std::string> seen;
  for (const auto& entry : root) {
    const std::string place = where + ", line " + std::to_string(entry.first.Mark().line + 1);
    if (!entry.first.IsScalar()) throw bad_usage("cannot use " + place).wanted("a key");
    set_key(recipe, entry.first.Scalar(), entry.second, place, seen);
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

ExampleOptions example_options(const Recipe& recipe, std::int64_t positions) {
  const std::int64_t longest = positions > 0 ? std::min(recipe.data.max_length, positions) : recipe.data.max_length;
  return {.append_eos = recipe.data.append_eos, .max_length = static_cast<std::size_t>(longest)};
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
  if (recipe.lora.dropout < 0 || recipe.lora.dropout >= 1)
    refuse("lora.dropout", "0 to below 1", number_text(recipe.lora.dropout));
  Template::check(recipe.data.response_template, recipe.data.system);
  if (!recipe.training.weights.empty() && recipe.tuning == "lora")
    refuse("training.weights", "nothing with tuning: lora",
           recipe.training.weights + " (lora.targets says what is tuned)");
  check_bounds(recipe);
}

void require_keys(const Recipe& recipe, const std::vector<std::string>& wanted) {
  Error error = bad_usage("something is missing");
  bool missing = false;
  for (const std::string& name : wanted) {
    const YAML::Node value = find_key(name)->get(recipe);
    if (value.IsSequence() ? value.size() > 0 : !value.Scalar().empty()) continue;
    missing = true;
    const std::size_t dot = name.rfind('.');
    const std::string flag = name == "data.train" ? "data" : dot == std::string::npos ? name : name.substr(dot + 1);
    error.with("key", name + ": --" + flag + " …, or " + name + "=…");
  }
  if (missing) throw error;
}

std::vector<std::string> recipe_keys() {
  std::vector<std::string> names;
  for (const Key& key : keys()) names.push_back(key.name);
  return names;
}

}  // namespace lethe
