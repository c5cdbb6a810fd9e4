#include "recipe/recipe_page.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

#include "core/join.h"
#include "recipe/objective_defaults.h"

namespace lethe {
namespace {

constexpr std::size_t kLongestLine = 120;  // bytes

// Breaks a text into lines. The first line begins with `first`, the others with `next`.
std::string wrapped(const std::string& text, const std::string& first, const std::string& next) {
  std::istringstream words(text);
  std::string out, line = first;
  bool fresh = true;
  for (std::string word; words >> word;) {
    if (!fresh && line.size() + 1 + word.size() > kLongestLine) {
      out += line + "\n";
      line = next;
      fresh = true;
    }
    line += (fresh ? "" : " ") + word;
    fresh = false;
  }
  return out + line + "\n";
}

std::string section_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

std::string name_within(const std::string& name) {
  return name.substr(name.rfind('.') + 1);
}

// A value on one line: "[q_proj, v_proj]".
std::string yaml_of(const YAML::Node& value) {
  YAML::Emitter out;
  out.SetSeqFormat(YAML::Flow);
  out.SetMapFormat(YAML::Flow);
  out << value;
  const std::string text = out.c_str();
  return text.find_first_not_of(" \n") == std::string::npos ? "\"\"" : text;
}

// " Methods: sku, ga_mismatch. Needs tuning: lora."; "" for a key that every method reads without a condition.
std::string scope_of(const RecipeKey& key, bool with_methods) {
  // The section `objective` says which methods it is for.
  with_methods = with_methods && key.methods != methods_with([](const ObjectiveSettings&) { return true; });
  std::vector<std::string> names;
  for (const Method& method : methods()) {
    if (!key.methods.empty() && key.concerns(method.id)) names.push_back(method.name);
  }
  std::string scope;
  if (with_methods && !names.empty()) scope = (names.size() > 1 ? " Methods: " : " Method: ") + join(names, ", ") + ".";
  if (!key.condition.empty()) scope += " Needs " + key.condition + ".";
  return scope;
}

// The value that `auto` stands for in a method's recipe: " auto: 0.1."; "" where there is none.
std::string published_value(const RecipeKey& key, const Method& method) {
  const ObjectiveSettings* published = objective_defaults(method.id);
  Recipe recipe;
  if (published == nullptr || section_of(key.name) != "objective" || yaml_of(key.get(recipe)) != "auto") return "";
  recipe.objective = *published;
  const std::string value = yaml_of(key.get(recipe));
  if (value == "auto") return "";
  return " auto: " + value + (key.kind == ValueKind::layers ? " of 32 layers, at this depth." : ".");
}

// The accepted values, where the default does not show them: "0 to 1", "full, lora".
std::string bounds_of(const RecipeKey& key) {
  if (!key.words.empty()) return join(key.words, ", ");
  if (!key.range) return "";
  const bool automatic = key.kind == ValueKind::auto_number || key.kind == ValueKind::layers;
  return (automatic ? "auto, or " : "") + key.range->text();
}

std::string about_section(const std::string& name) {
  for (const auto& [section, about] : recipe_sections()) {
    if (section == name) return about;
  }
  return "";
}

std::size_t depth_of(const std::string& name) {
  return static_cast<std::size_t>(std::count(name.begin(), name.end(), '.'));
}

}  // namespace

std::string commented_recipe(const Method* method) {
  Recipe recipe;
  if (method != nullptr) recipe.method = method->name;
  const std::string keys = method == nullptr
                               ? "Every key of a recipe, with its default."
                               : "The keys of a recipe that " + method->name + " reads, with their defaults.";
  std::string out = wrapped(keys + " Keep the lines that you change, and delete the others.", "# ", "# ");
  if (method != nullptr) out += wrapped(method->description + " Source: " + method->source + ".", "# ", "# ");
  std::string open;  // the section of the previous key
  for (const RecipeKey& key : recipe_key_table()) {
    if (method != nullptr && !key.concerns(method->id)) continue;
    const std::string section = section_of(key.name), outer = section_of(section);
    const auto begin = [&](const std::string& name) {
      const std::string indent(2 * depth_of(name), ' ');
      out += "\n" + wrapped(about_section(name), indent + "# ", indent + "# ") + indent + name_within(name) + ":\n";
    };
    if (section != open) {
      const bool within = open == section || open.starts_with(section + ".");  // back from an inner section
      if (!outer.empty() && open != outer && !open.starts_with(outer + ".")) begin(outer);
      if (!section.empty() && !within) begin(section);
      if (section.empty() || within) out += "\n";
      open = section;
    } else if (section.empty() && key.name == "method") {
      out += "\n";
    }
    const std::string indent(2 * depth_of(key.name), ' '), bounds = bounds_of(key);
    std::string comment = key.about + scope_of(key, method == nullptr);
    if (method != nullptr) comment += published_value(key, *method);
    if (!bounds.empty()) comment += " [" + bounds + "]";
    out += wrapped(comment, indent + "# ", indent + "# ") + indent + name_within(key.name) + ": " +
           yaml_of(key.get(recipe)) + "\n";
  }
  return out;
}

std::string recipe_page() {
  std::string out =
      "<!-- Printed by `lethe recipe --markdown`; the sentences are in src/recipe/keys.cpp. -->\n"
      "# Recipe\n\n" +
      wrapped(
          "This page lists every key of a recipe, its default and the values it accepts. A recipe is a YAML file; "
          "`key=value` on the command line sets the same keys (`training.steps=500`, `lora={rank: 8}`).",
          "", "") +
      "\n" +
      wrapped(
          "`lethe recipe` prints all of this as a commented recipe, and `lethe recipe METHOD` only what one method "
          "reads. Keys that are left out keep their defaults.",
          "", "") +
      "\n" +
      wrapped(
          "Each entry gives the key, its default, and the accepted values in parentheses. A key without a method "
          "applies to all methods. Data files are one name or a list; [data files](reference/data.md) lists the forms.",
          "", "");
  const Recipe defaults;
  // Each heading appears once, even if another section interrupts the keys of its section.
  std::vector<std::string> sections = {""};
  for (const auto& [section, about] : recipe_sections()) sections.push_back(section);
  for (const std::string& section : sections) {
    out += "\n## " + (section.empty() ? "The run" : section) + "\n";
    out += wrapped(section.empty() ? "What runs, where, and what it writes." : about_section(section), "", "");
    for (const RecipeKey& key : recipe_key_table()) {
      if (section_of(key.name) != section) continue;
      const std::string bounds = bounds_of(key);
      std::string text = "**`" + key.name + ": " + yaml_of(key.get(defaults)) + "`**";
      if (!bounds.empty()) text += " (" + bounds + ")";
      out += wrapped(text + " " + key.about + scope_of(key, true), "* ", "  ");
    }
  }
  return out;
}

}  // namespace lethe
