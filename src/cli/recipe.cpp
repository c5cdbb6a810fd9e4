// lethe recipe: prints every key with its default as a recipe file.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "recipe/recipe_page.h"

namespace lethe {
namespace {

struct RecipeCommand {
  std::string method, output = "-";
  bool markdown = false;
};

void print_recipe(const RecipeCommand& options) {
  if (options.markdown && !options.method.empty())
    throw bad_usage("cannot print one method's keys as the reference page").hint("--markdown without a method");
  if (options.markdown) return write_result(options.output, recipe_page());
  write_result(options.output, commented_recipe(options.method.empty() ? nullptr : &method_named(options.method)));
}

}  // namespace

void add_recipe(CLI::App& program, Action& action) {
  auto options = std::make_shared<RecipeCommand>();
  auto* command = program.add_subcommand("recipe", "Print every setting with its default, as a recipe file");
  command->add_option("method", options->method, "Only the settings that this method reads: sku, task_vector, ga, …")
      ->type_name("METHOD");
  command->add_option("--output", options->output, "File to write; - : standard output")->capture_default_str();
  command->add_flag("--markdown", options->markdown, "Print the reference page (docs/recipe.md) instead");
  command->footer("Example: lethe recipe sku --output sku.yaml");
  command->callback([options, &action] { action = [options] { print_recipe(*options); }; });
}

}  // namespace lethe
