// What unlearn and finetune share: which weights are trained, and the loop over an objective.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "core/random.h"
#include "models/causal_lm.h"
#include "models/lora.h"
#include "objectives/objective.h"
#include "recipe/recipe.h"
#include "training/loop.h"

namespace lethe {

/// The trained part of a model: all its weights, or fresh adapters on it.
class Tuning {
 public:
  Tuning(CausalLM& model, const Recipe& recipe);

  bool lora() const { return !pairs_.empty(); }
  const std::vector<NamedLora>& pairs() const { return pairs_; }
  /// Fixes the dropout masks of a micro-batch; to be called before its forward pass.
  void begin(std::uint64_t micro);
  /// Trains by the recipe's settings, or others; afterwards gradients and dropout are off.
  /// @param snapshots  where the state is kept, and taken up again; may be null
  std::vector<StepRecord> train(Objective& objective, std::int64_t steps, const std::filesystem::path& metrics,
                                const std::string& title, Snapshots* snapshots = nullptr);
  std::vector<StepRecord> train(Objective& objective, const TrainingSettings& settings,
                                const std::filesystem::path& metrics, const std::string& title,
                                Snapshots* snapshots = nullptr);

 private:
  CausalLM& model_;
  const Recipe& recipe_;
  std::vector<NamedLora> pairs_;
  std::vector<at::Tensor> parameters_;
  std::unique_ptr<RandomStream> dropout_;
};

}  // namespace lethe
