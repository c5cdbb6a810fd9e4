// The task vector τ = θ_trained − θ_o in memory and on disk. The model can be set to θ_o + scale·τ for any scale, any
// number of times. A negative scale negates the training.
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

  /// Scales τ by layer or module (negation.factors), and keeps its strongest directions (negation.rank; tensors of one
  /// axis stay whole). Without these settings nothing changes.
  /// @throws Error (usage) naming a pattern that is found in no weight's name
  void shape(const NegationSettings& settings);
  /// Uses the model's current weights as the trained ones: τ = θ − θ_o from now on.
  virtual void retake() = 0;
  /// Keeps τ apart from the model, which becomes the original again, ready for another training. (LoRA: with fresh
  /// adapters, those of add_lora().) Afterwards only join() may be called.
  virtual void set_aside(std::uint64_t seed) = 0;
  /// Keeps τ apart from the model, which becomes θ_o + scale·τ, ready for another training. (LoRA: the same adapters
  /// train on, with B scaled.) Afterwards only join() may be called.
  virtual void begin_at(double scale) = 0;
  /// Makes the model θ + factor·τ, where θ are its current weights and τ was set aside. LoRA: each adapter becomes one
  /// of the ranks' sum under the same scale, A stacked and B side by side, which is exact.
  virtual void join(double factor) = 0;
  /// How much training changed: the root mean square of τ over all weights that an adapter adapts, or (full tuning)
  /// that it changed; 0 if it changed none.
  virtual double change() const = 0;
  /// Makes the model in memory θ_o + scale·τ. 0: the original.
  virtual void apply(double scale) = 0;
  /// Makes the model in memory the trained one, to the bit (apply(1) rounds).
  virtual void restore() = 0;
  /// Writes θ_o + scale·τ into `folder` (exists): a checkpoint (full tuning), or the scaled adapter (LoRA).
  virtual void write(double scale, const std::filesystem::path& folder) = 0;
  /// Writes the trained model, readable by its owner alone: after stage 1 of a method that negates it is θ_bad.
  virtual void write_trained(const std::filesystem::path& folder) = 0;

 protected:
  /// Factors of τ by the name of a weight or module.
  class Factors;
  /// @param rank  directions to keep of each matrix
  virtual void shape_by(const Factors& factors, std::int64_t rank) = 0;
};

/// The task vector of a model that holds its trained weights. Model, adapters and base must outlive it.
/// Where ranks share the matrices that trained, all of them make it at the same place, and serve rank 0 afterwards.
/// @param adapters  the trained adapters; none: full tuning, which keeps a copy of the trained weights
/// @param recipe    its `lora` and `model` go into an adapter's configuration
std::unique_ptr<TaskVector> task_vector_of(CausalLM& model, const Checkpoint& base,
                                           const std::vector<NamedLora>& adapters, const Recipe& recipe);

}  // namespace lethe
