// Suggestions for an unknown recipe key: other programs' names of a setting, keys without their section, and typing
// errors.
#pragma once

#include <string>
#include <vector>

namespace lethe {

struct KeyHint {
  std::vector<std::string> keys;  ///< suggested keys, the likeliest first; may be empty
  std::string note;               ///< an explanation ("an epoch is … steps"); may be empty
};

/// @param name   as the user typed it: "lr", "training.learning_rate", "traning.steps"; '-' counts as '_'
/// @param known  all valid keys
KeyHint key_hint(const std::string& name, const std::vector<std::string>& known);

/// Whether the name means a number of passes over the data, in any usual spelling ("epochs", "num_train_epochs").
bool means_epochs(const std::string& name);

}  // namespace lethe
