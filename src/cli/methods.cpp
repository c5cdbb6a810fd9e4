// lethe methods: every method of `lethe unlearn`, or the settings of one.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/common.h"
#include "cli/listing.h"
#include "cli/program.h"
#include "core/join.h"
#include "core/json.h"
#include "recipe/objective_defaults.h"
#include "recipe/recipe_changes.h"

namespace lethe {
namespace {

struct MethodsCommand {
  std::string name;
  bool json = false;
};

// Whether a method has a retain loss, but computes it only if objective.retain is set.
bool retains_on_demand(const Method& method) {
  const ObjectiveSettings* published = objective_defaults(method.id);
  return published != nullptr && published->retain == 0;
}

// The pairs that the method trains on by its defaults.
std::vector<std::string> data_of(const Method& method) {
  std::vector<std::string> data;
  if (method.harmful_rows) data.emplace_back("harmful");
  if (method.normal_rows && !retains_on_demand(method)) data.emplace_back("normal");
  return data;
}

// The default recipe, with the method's published values in the section `objective`. Layers stay `auto`: the published
// numbers are of models of 32 layers.
Recipe defaults_of(const Method& method) {
  Recipe recipe;
  recipe.method = method.name;
  if (objective_defaults(method.id) == nullptr) return recipe;
  recipe.objective = objective_settings(recipe);
  recipe.objective.layers.clear();
  return recipe;
}

std::string stage2_of(const Method& method) {
  switch (method.stage2) {
    case Stage2::negate:
      return "negate";
    case Stage2::keep:
      return "keep";
    case Stage2::contrast:
      break;
  }
  return "contrast";
}

std::string sentence_of_stage2(const Method& method) {
  switch (method.stage2) {
    case Stage2::negate:
      return "subtracts what training learned";
    case Stage2::keep:
      return "keeps what training learned";
    case Stage2::contrast:
      break;
  }
  return "adds what teaching safe answers changed, and subtracts a share of the harm learned";
}

OrderedJson json_of(const Method& method) {
  const Recipe defaults = defaults_of(method);
  OrderedJson keys = OrderedJson::array();
  for (const RecipeKey& key : recipe_key_table()) {
    if (!key.concerns(method.id)) continue;
    keys.push_back({{"name", key.name},
                    {"default", value_text(key, defaults)},
                    {"values", key.values()},
                    {"about", key.about},
                    {"shared", key.methods.empty()}});
  }
  return {{"name", method.name},          {"description", method.description}, {"source", method.source},
          {"trains_on", data_of(method)}, {"stage2", stage2_of(method)},       {"keys", keys}};
}

std::string page_of(const Method& method) {
  const Recipe defaults = defaults_of(method);
  std::string text = method.name + ": " + method.description + "\nSource: " + method.source + ". Trains on " +
                     join(data_of(method), " and ") + " pairs" +
                     (retains_on_demand(method) ? ", and on normal pairs with objective.retain above 0" : "") + "; " +
                     sentence_of_stage2(method) + ".\n";
  std::vector<std::vector<std::string>> rows = {{"key", "default", "meaning"}};
  for (const RecipeKey& key : recipe_key_table()) {
    if (!key.methods.empty() && key.concerns(method.id))
      rows.push_back({key.name, value_text(key, defaults), key.about});
  }
  if (rows.size() > 1) text += "\nSettings that not every method reads:\n" + aligned_lines(rows);
  return text + "\nAll settings with their ranges: lethe recipe " + method.name + "\n";
}

void print_methods(const MethodsCommand& options) {
  if (!options.name.empty()) {
    const Method& method = method_named(options.name);
    return write_result("-", options.json ? dump_json(json_of(method), 2) + "\n" : page_of(method));
  }
  OrderedJson list = OrderedJson::array();
  std::vector<std::vector<std::string>> rows = {{"method", "source", "what it does"}};
  for (const Method& method : methods()) {
    list.push_back(json_of(method));
    rows.push_back({method.name, method.source, method.description});
  }
  write_result("-", options.json ? dump_json(list, 2) + "\n" : aligned_lines(rows));
}

}  // namespace

void add_methods(CLI::App& program, Action& action) {
  auto options = std::make_shared<MethodsCommand>();
  auto* command = program.add_subcommand("methods", "Print every method with its source, or one method's settings");
  command->add_option("name", options->name, "Only this method: what it trains on, its settings and their defaults")
      ->type_name("METHOD");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer("Example: lethe methods\n         lethe methods sku\nA recipe selects one: method=sku");
  command->callback([options, &action] { action = [options] { print_methods(*options); }; });
}

}  // namespace lethe
