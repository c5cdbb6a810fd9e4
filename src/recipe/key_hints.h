// What somebody who typed an unknown recipe key may have meant: other programs' names of a setting, keys without their
// section, and slips.
#pragma once

#include <string>
#include <vector>

namespace lethe {

struct KeyHint {
  std::vector<std::string> keys;  ///< of a recipe, likeliest first; may be empty
  std::string note;               ///< what else to know ("an epoch is … steps"); may be empty
};

/// @param name   as it was typed: "lr", "training.learning_rate", "traning.steps"; '-' counts as '_'
/// @param known  the keys that there are
KeyHint key_hint(const std::string& name, const std::vector<std::string>& known);

/// Whether the name asks for a number of passes over the data, in any usual spelling ("epochs", "num_train_epochs").
bool means_epochs(const std::string& name);

}  // namespace lethe
