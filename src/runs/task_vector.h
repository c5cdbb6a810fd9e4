// Stage 2 in memory and on disk: the trained model becomes θ_o + scale·(θ_trained − θ_o), for any scale, as often as
// wanted; a negative scale negates what was learned.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "models/causal_lm.h"
#include "models/lora.h"
#include "recipe/recipe.h"

namespace lethe {

class TaskVector {
 public:
  /// @param model  holds the trained weights; with full tuning one copy of them is kept from now on
  /// @param pairs  the trained adapters, or none: full tuning
  TaskVector(CausalLM& model, const Checkpoint& base, const std::vector<NamedLora>& pairs);

  /// Changes τ as the recipe asks: by layer or module (negation.factors), and to its strongest directions
  /// (negation.rank; vectors of one axis stay whole). From here on this is τ; nothing asked: nothing changes.
  void shape(const NegationSettings& settings);
  /// Takes the model as it is now for the trained one: τ = θ − θ_o from here on.
  void retake();
  /// Makes the model in memory θ_o + scale·τ. 0: the original.
  void apply(double scale);
  /// Writes the checkpoint θ_o + scale·τ (full) or the scaled adapter (LoRA) into `folder` (exists).
  void write(double scale, const std::filesystem::path& folder, const Recipe& recipe);
  /// Writes the trained model, readable by its owner alone: after stage 1 of a method that negates it is θ_bad.
  void write_trained(const std::filesystem::path& folder, const Recipe& recipe);

 private:
  at::Tensor original(const Parameter& parameter) const;  // float32, on the model's device
  void restore_trained();
  CausalLM& model_;
  const Checkpoint& base_;
  std::vector<NamedLora> pairs_;
  std::vector<double> scales_;                 // of the adapters as trained
  std::map<std::string, at::Tensor> trained_;  // full tuning: weights by parameter name
};

}  // namespace lethe
