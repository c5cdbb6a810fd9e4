// Stage 2 in memory and on disk: the trained model θ_bad becomes θ_o − α·(θ_bad − θ_o), for any α, as often as wanted.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "models/causal_lm.h"
#include "models/lora.h"
#include "runs/recipe.h"

namespace lethe {

class NegatedModel {
 public:
  /// @param model  holds θ_bad; with full tuning one copy of it is kept from now on (the optimizer's state is gone)
  /// @param pairs  the trained adapters, or none: full tuning
  NegatedModel(CausalLM& model, const Checkpoint& base, const std::vector<NamedLora>& pairs);

  /// Makes the model in memory θ_o − α·τ. 0: the original.
  void set(double alpha);
  /// Writes the unlearned checkpoint (full) or the negated adapter (LoRA) into `folder` (exists).
  void write(double alpha, const std::filesystem::path& folder, const Recipe& recipe);
  /// Writes θ_bad, readable by its owner alone.
  void write_harmful(const std::filesystem::path& folder, const Recipe& recipe);

 private:
  void restore_harmful();
  CausalLM& model_;
  const Checkpoint& base_;
  std::vector<NamedLora> pairs_;
  std::vector<double> scales_;                 // of the adapters as trained
  std::map<std::string, at::Tensor> harmful_;  // full tuning: θ_bad by parameter name
};

}  // namespace lethe
