#include "recipe/recipe.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/similar.h"
#include "formats/yaml_keys.h"
#include "prompts/template.h"
#include "recipe/key_hints.h"
#include "recipe/keys.h"
#include "recipe/method_table.h"
#include "recipe/objective_defaults.h"
#include "recipe/recipe_bounds.h"
#include "recipe/recipe_values.h"
#include "recipe/recipe_yaml.h"

namespace lethe {
using recipe_values::entries_of;
using recipe_values::WrongValue;
namespace {

bool is_section(const std::string& name) {
  const auto& all = recipe_sections();
  return std::any_of(all.begin(), all.end(), [&](const auto& section) { return section.first == name; });
}

// `where` is a file and a line, which needs the key's name, or "training.lr=…", which begins with it.
Error refusal(const std::string& where, const std::string& name) {
  Error error = bad_usage("cannot use " + where);
  if (!where.starts_with(name + "=")) error.with("key", excerpt(name));
  return error;
}

Error no_such_key(const std::string& name, const YAML::Node& value, const std::string& where) {
  Error error = refusal(where, name);
  error.found("no such key");
  std::vector<std::string> sections;
  for (const auto& [section, about] : recipe_sections()) sections.push_back(section);
  if (const std::vector<std::string> near = similar(name, sections); value.IsMap() && !near.empty())
    return error.hint(near[0] + ": {…}");
  const KeyHint hint = key_hint(name, recipe_keys());
  if (!hint.keys.empty()) error.hint(either_of(hint.keys));
  if (!hint.note.empty()) error.with("note", hint.note);
  return error;
}

// Sets one key, or every key of a section. `where` names the place in errors: "r.yaml, line 3".
void set_key(Recipe& recipe, const std::string& name, const YAML::Node& value, const std::string& where,
             std::set<std::string>& seen) {
  const RecipeKey* key = find_key(name);
  const bool section = is_section(name);
  const auto refused = [&](const std::string& wanted) {
    return refusal(where, name).wanted(wanted).found(excerpt(YAML::Dump(value)));
  };
  if (key == nullptr && !section) throw no_such_key(name, value, where);
  if (!seen.insert(name).second) throw refusal(where, name).found("given twice");
  if (section && !value.IsMap()) throw refused("a section: " + name + ": {…}");
  try {
    if (key != nullptr) return key->set(recipe, value);
    for (const auto& [part, inner] : entries_of(value)) set_key(recipe, name + "." + part, inner, where, seen);
  } catch (const WrongValue& wrong) {
    const bool number = key != nullptr && (key->kind == ValueKind::count || key->kind == ValueKind::number);
    throw refused(number ? key->values() : wrong.what());
  }
}

void set_override(Recipe& recipe, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) throw bad_usage("cannot use " + excerpt(text)).wanted("key=value");
  const std::string name = text.substr(0, equals), value = text.substr(equals + 1);
  const RecipeKey* key = find_key(name);
  const bool literal = key != nullptr && key->literal && !value.starts_with('"') && !value.starts_with('\'');
  std::set<std::string> seen;
  set_key(recipe, name, literal ? YAML::Node(value) : load_yaml(value, "cannot use " + excerpt(text)), excerpt(text),
          seen);
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
  return all_keys_as_yaml(recipe);
}

Template recipe_template(const Recipe& recipe, const std::filesystem::path& folder) {
  return Template::open(recipe.data.response_template, recipe.data.system, folder);
}

ExampleOptions example_options(const Recipe& recipe, const Template& layout, std::int64_t positions) {
  const std::int64_t longest = positions > 0 ? std::min(recipe.data.max_length, positions) : recipe.data.max_length;
  const bool end =
      recipe.data.append_eos == AppendEos::on || (recipe.data.append_eos == AppendEos::automatic && layout.is_chat());
  return {.append_eos = end, .max_length = static_cast<std::size_t>(longest)};
}

void check_recipe(const Recipe& recipe) {
  const MethodId method = method_named(recipe.method).id;
  for (const std::string& log : recipe.logging) {
    const RecipeKey& key = key_named("logging");
    if (std::find(key.words.begin(), key.words.end(), log) == key.words.end())
      refuse(key.name, key.values() + " (Weights & Biases, MLflow: docs/howto/python.md)", log);
  }
  if (recipe.quantize != Quantize::none && recipe.tuning != TuningKind::lora)
    refuse("quantize", "none (nf4 with tuning: lora)", word_of(recipe.quantize));
  if (recipe.quantize != Quantize::none && recipe.negation.survive != Quantize::none)
    refuse("negation.survive", "none with quantize: nf4, whose base model is in four bits already",
           word_of(recipe.negation.survive));
  if (recipe.negation.rounds > 1 && recipe.evaluation.every > 0)
    refuse("negation.rounds", "1 with evaluation.every, which measures a single training",
           std::to_string(recipe.negation.rounds));
  check_bounds(recipe);
  Template::check(recipe.data.response_template, recipe.data.system);
  if (!recipe.training.weights.empty() && recipe.tuning == TuningKind::lora)
    refuse("training.weights", "nothing with tuning: lora",
           recipe.training.weights + " (lora.targets selects the modules)");
  const bool inner = method == MethodId::rmu || method == MethodId::circuit_breakers;
  if (inner && (recipe.objective.retain_loss == RetainLoss::ce || recipe.objective.retain_loss == RetainLoss::kl))
    refuse("objective.retain_loss", "auto or none with method: " + recipe.method + ", which compares inner states",
           word_of(recipe.objective.retain_loss));
  if (recipe.objective.gru && objective_defaults(method) != nullptr) {
    if (!has_retain_loss(objective_settings(recipe)))
      refuse("objective.gru", "false without a retain loss (objective.retain, objective.retain_loss)", "true");
    if (recipe.training.clip == 0)  // each weight is then updated within the backward pass
      refuse("objective.gru", "false with training.clip: 0", "true");
  }
  if (recipe.training.patience > 0 && recipe.evaluation.every == 0)
    refuse("training.patience", "0, or evaluation.every=N with it: training stops by its evaluations",
           std::to_string(recipe.training.patience) + ", with evaluation.every 0");
}

void require_keys(const Recipe& recipe, const std::vector<std::string>& wanted) {
  Error error = bad_usage("something is missing");
  bool missing = false;
  for (const std::string& name : wanted) {
    const YAML::Node value = key_named(name).get(recipe);
    if (value.IsSequence() ? value.size() > 0 : !value.Scalar().empty()) continue;
    missing = true;
    const std::size_t dot = name.rfind('.');
    const std::string flag = name == "data.train" ? "data" : dot == std::string::npos ? name : name.substr(dot + 1);
    error.with("key", name + ": --" + flag + " …, or " + name + "=…");
  }
  if (missing) throw error;
}

}  // namespace lethe
