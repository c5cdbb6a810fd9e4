// Reads a recipe from a file and the command line, checks it, and writes it as YAML (docs/recipe.md lists the keys).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "prompts/template.h"
#include "recipe/keys.h"
#include "recipe/settings.h"

namespace lethe {

/// Reads a recipe file (YAML; an empty path gives the defaults), then applies the overrides in order.
///
/// @param overrides  "training.steps=5", "lora.targets=[q_proj, v_proj]", "lora={rank: 8}". Values are YAML, except
///   that a literal key (RecipeKey::literal) takes the text as it is, unless it begins with a quotation mark
/// @throws Error (usage), with file and line, for an unknown key (it suggests known ones), a key given twice, a value
///   of the wrong type or out of range. Error (bad input) if the file cannot be read, is not one YAML document, or a
///   mapping holds a key twice
Recipe load_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides = {});

/// The same from YAML in memory. @param where  the name of the source, for errors
Recipe parse_recipe(std::string_view yaml, const std::string& where, const std::vector<std::string>& overrides = {});

/// The recipe with some settings changed ("key=value", as above). @throws Error (usage) as load_recipe()
Recipe with_settings(Recipe recipe, const std::vector<std::string>& settings);

/// The recipe as YAML with all keys. load_recipe() of the result gives the same recipe.
std::string to_yaml(const Recipe& recipe);

/// The recipe's prompt template. `chat` means the chat template in the model's folder.
/// @throws Error as Template::open()
Template recipe_template(const Recipe& recipe, const std::filesystem::path& folder);

/// How the recipe's pairs become tokens: rows of at most data.max_length tokens, and never more than the model has
/// positions. @param layout     recipe_template(), which decides data.append_eos: auto
/// @param positions  DecoderSpec::max_positions; 0: no bound
ExampleOptions example_options(const Recipe& recipe, const Template& layout, std::int64_t positions = 0);

/// Checks all values, also those that code set directly. @throws Error (usage) with the key, wanted and found
void check_recipe(const Recipe& recipe);

/// @throws Error (usage) if some of `keys` are empty: lists all of them, each with the option that sets it
void require_keys(const Recipe& recipe, const std::vector<std::string>& keys);

}  // namespace lethe
