// A recipe from a file and from the command line, checked, and as YAML again (docs/recipe.md lists the keys).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "prompts/template.h"
#include "recipe/keys.h"
#include "recipe/settings.h"

namespace lethe {

/// Reads a recipe file (YAML; empty path: the defaults alone), then sets the overrides in order.
///
/// @param overrides  "training.steps=5", "lora.targets=[q_proj, v_proj]", "lora={rank: 8}"; values are YAML, but
///   the text of a key that is taken literally (keys.h) stands for itself unless it begins with a quotation mark
/// @throws Error (usage) on an unknown key (naming the one that was meant), a key given twice, a wrong type or a value
///   that cannot be; with file and line. Error (bad input) if the file cannot be read, is no YAML or more than one
///   document, or a mapping holds a key twice
Recipe load_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides = {});

/// The same from YAML in memory. @param where  named in errors
Recipe parse_recipe(std::string_view yaml, const std::string& where, const std::vector<std::string>& overrides = {});

/// A recipe with some settings changed ("key=value", as above). @throws Error (usage) as load_recipe()
Recipe with_settings(Recipe recipe, const std::vector<std::string>& settings);

/// The resolved recipe as YAML, all keys; load_recipe() of it gives the same recipe.
std::string to_yaml(const Recipe& recipe);

/// The recipe's template; `chat` is that of the model's folder. @throws Error as Template::open()
Template recipe_template(const Recipe& recipe, const std::filesystem::path& folder);

/// How the recipe's pairs become tokens: rows of at most data.max_length tokens, and never more than the model has
/// positions. @param positions  DecoderSpec::max_positions; 0: no bound
ExampleOptions example_options(const Recipe& recipe, std::int64_t positions = 0);

/// Checks the values, also where fields were set by hand. @throws Error (usage) naming the key, wanted and found
void check_recipe(const Recipe& recipe);

/// @throws Error (usage) naming all of `keys` that are empty and how to give each
void require_keys(const Recipe& recipe, const std::vector<std::string>& keys);

}  // namespace lethe
