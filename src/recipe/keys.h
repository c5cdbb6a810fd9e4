// The table of recipe keys, one row for each key. Parsing, checks, --help, `lethe recipe` and docs/recipe.md read it.
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

/// Which bounds belong to a range: both (closed), all but the lower, all but the upper.
enum class Ends { closed, open_below, open_above };

struct Range {
  double least = 0, most = 0;
  Ends ends = Ends::closed;

  /// NaN is within no range.
  bool holds(double value) const;
  /// "0 to 1", "more than 0, at most 10", "at least 0, below 1"
  std::string text() const;
};

enum class ValueKind { text, word, count, number, auto_number, layers, flag, data_files, names, targets, factors };

struct RecipeKey {
  std::string name;   ///< "training.lr"
  std::string about;  ///< one sentence for the user, with the unit
  ValueKind kind = ValueKind::text;
  std::optional<Range> range;      ///< of a number, or of each number in a list
  std::vector<std::string> words;  ///< the words that an enum, or each name of a list, accepts; empty: any name
  std::vector<MethodId> methods;   ///< methods that read the key; empty: all
  std::string condition;           ///< a setting without which the key has no effect: "tuning: lora"; may be empty
  bool literal = false;            ///< on the command line, the value of key=VALUE is text, not YAML

  /// @throws WrongValue (recipe_values.h)
  std::function<void(Recipe&, const YAML::Node&)> set;
  std::function<YAML::Node(const Recipe&)> get;
  /// The numbers that the range applies to, each with a suffix for the key's name in errors.
  std::function<std::vector<std::pair<std::string, double>>(const Recipe&)> numbers;

  bool concerns(MethodId method) const;
  /// The accepted values, for errors: "full, lora", "a whole number, 1 to 65,536", "a number, or auto".
  std::string values() const;

  // Setters with which the table's rows are written.
  RecipeKey& within(double least, double most, Ends ends = Ends::closed);
  RecipeKey& one_of(std::vector<std::string> words);
  RecipeKey& any_of(std::vector<std::string> words);
  RecipeKey& only_for(std::vector<MethodId> methods);
  RecipeKey& only_with(std::string condition);
  RecipeKey& literally();
};

/// All rows, in the order in which a recipe is printed. The keys of a section follow each other.
const std::vector<RecipeKey>& recipe_key_table();
/// The row of a key; null if there is no such key.
const RecipeKey* find_key(const std::string& name);
/// The row of a key that must exist. @throws Error (internal) if it does not
const RecipeKey& key_named(const std::string& name);

/// The sections, each with a sentence for the user: {"data.split", "Shares …"}. Same order as the table.
const std::vector<std::pair<std::string, std::string>>& recipe_sections();

/// The names of all keys: "method", "lora.rank", …
std::vector<std::string> recipe_keys();

}  // namespace lethe
