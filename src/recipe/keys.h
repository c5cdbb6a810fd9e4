// The table of recipe keys, one row a key. Parsing, checks, --help, `lethe recipe` and docs/recipe.md read it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recipe/method_table.h"
#include "recipe/settings.h"

namespace YAML {
class Node;
}

namespace lethe {

/// Whether the least or the most itself is left out.
enum class Ends { closed, open_below, open_above };

struct Range {
  double least = 0, most = 0;
  Ends ends = Ends::closed;

  /// NaN is within no range.
  bool holds(double value) const;
  /// "0 to 1", "more than 0, at most 10", "at least 0, below 1"
  std::string text() const;
};

enum class ValueKind { text, word, count, number, auto_number, flag, data_files, names, targets, factors };

struct RecipeKey {
  std::string name;   ///< "training.lr"
  std::string about;  ///< one sentence, with the unit
  ValueKind kind = ValueKind::text;
  std::optional<Range> range;      ///< of a number, or of each number of a list
  std::vector<std::string> words;  ///< all that an enum may be
  std::vector<MethodId> methods;   ///< the methods that read the key; empty: all
  std::string condition;           ///< what else must be set for the key to matter: "tuning: lora"; may be empty
  bool literal = false;            ///< key=VALUE on the command line takes VALUE as text, not as YAML

  /// @throws WrongValue (recipe_values.h)
  std::function<void(Recipe&, const YAML::Node&)> set;
  std::function<YAML::Node(const Recipe&)> get;
  /// The numbers that the range bounds, each with what to add to the key's name in errors.
  std::function<std::vector<std::pair<std::string, double>>(const Recipe&)> numbers;

  bool concerns(MethodId method) const;
  /// What a value may be: "full, lora", "a whole number, 1 to 65,536", "auto, or a number, 0 to 1,000".
  std::string values() const;

  // How a row is written.
  RecipeKey& within(double least, double most, Ends ends = Ends::closed);
  RecipeKey& one_of(std::vector<std::string> words);
  RecipeKey& only_for(std::vector<MethodId> methods);
  RecipeKey& only_with(std::string condition);
  RecipeKey& literally();
};

/// All rows, in the order of the recipe. Keys of one section stand together.
const std::vector<RecipeKey>& recipe_key_table();
/// The row of a key, or nothing.
const RecipeKey* find_key(const std::string& name);
/// The row of a key that is known to exist. @throws Error (internal) otherwise
const RecipeKey& key_named(const std::string& name);

/// The sections: {"data.split", "How …"}, in the order of the recipe.
const std::vector<std::pair<std::string, std::string>>& recipe_sections();

/// All names: "method", "lora.rank", …
std::vector<std::string> recipe_keys();

}  // namespace lethe
