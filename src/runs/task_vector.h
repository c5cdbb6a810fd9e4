// The task vector τ = θ_trained − θ_o in memory and on disk. The model becomes θ_o + scale·τ, for any scale, as often
// as wanted; a negative scale negates what was learned.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "formats/checkpoint.h"
#include "models/causal_lm.h"
#include "models/lora.h"
#include "recipe/recipe.h"

namespace lethe {

class TaskVector {
 public:
  virtual ~TaskVector() = default;

  /// Changes τ as the recipe asks: by layer or module (negation.factors), and to its strongest directions
  /// (negation.rank; vectors of one axis stay whole). Without such settings nothing changes.
  /// @throws Error (usage) naming a pattern that is found in no weight's name
  void shape(const NegationSettings& settings);
  /// Takes the model as it is now for the trained one: τ = θ − θ_o from here on.
  virtual void retake() = 0;
  /// Makes the model in memory θ_o + scale·τ. 0: the original.
  virtual void apply(double scale) = 0;
  /// Writes θ_o + scale·τ into `folder` (exists): a checkpoint (full tuning), or the scaled adapter (LoRA).
  virtual void write(double scale, const std::filesystem::path& folder) = 0;
  /// Writes the trained model, readable by its owner alone: after stage 1 of a method that negates it is θ_bad.
  virtual void write_trained(const std::filesystem::path& folder) = 0;

 protected:
  /// What τ is multiplied by, by a weight's or module's name.
  class Factors;
  /// @param rank  directions to keep of each matrix
  virtual void shape_by(const Factors& factors, std::int64_t rank) = 0;
};

/// The task vector of a model that holds its trained weights. The model, its adapters and the base outlive it.
/// @param adapters  the trained adapters; none: full tuning, of which one copy of the weights is kept from now on
/// @param recipe    its `lora` and `model` go into an adapter's configuration
std::unique_ptr<TaskVector> task_vector_of(CausalLM& model, const Checkpoint& base,
                                           const std::vector<NamedLora>& adapters, const Recipe& recipe);

}  // namespace lethe
