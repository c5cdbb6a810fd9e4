// What unlearn and finetune share: a model with its trained part, and the loop over an objective.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "models/causal_lm.h"
#include "models/lora.h"
#include "objectives/objective.h"
#include "objectives/preservation_divergence.h"
#include "recipe/recipe.h"
#include "training/loop.h"

namespace lethe {

/// A model, the recipe by which it is trained, and the part that trains: its weights, or fresh adapters on it.
class Tuning {
 public:
  /// Both outlive this.
  Tuning(CausalLM& model, const Recipe& recipe);

  CausalLM& model() { return model_; }
  const Recipe& recipe() const { return recipe_; }
  bool lora() const { return !pairs_.empty(); }
  const std::vector<NamedLora>& pairs() const { return pairs_; }
  /// The original on these pairs. With adapters it is this model without them. With full tuning its answers are
  /// computed now, so the model must hold the original's weights. @param examples  outlives the reference
  std::unique_ptr<Reference> reference(ExampleMaker& examples, std::span<const Pair> pairs);
  /// Sets the dropout masks of a micro-batch. Call it before the forward pass.
  void begin(std::uint64_t micro);
  /// Trains by the recipe's settings, or by others. Afterwards gradients and dropout are off.
  /// @param snapshots  save and restore the state; may be null
  std::vector<StepRecord> train(Objective& objective, std::int64_t steps, const std::filesystem::path& metrics,
                                const std::string& title, Snapshots* snapshots = nullptr);
  std::vector<StepRecord> train(Objective& objective, const TrainingSettings& settings,
                                const std::filesystem::path& metrics, const std::string& title,
                                Snapshots* snapshots = nullptr);
  /// Sets what the next training calls after its second step (LoopOptions::on_pace).
  void on_pace(std::function<void(const Pace&)> callback) { on_pace_ = std::move(callback); }
  /// Sets the ranks that share the steps of the next trainings; null: this process trains alone.
  void share_with(Group* group) { group_ = group; }
  /// Sets how the next training is evaluated (LoopOptions::evaluation). Dropout is off while it measures.
  void evaluate_by(PeriodicEvaluation evaluation) { evaluation_ = std::move(evaluation); }

 private:
  void take_adapters();
  PeriodicEvaluation next_evaluation();

  CausalLM& model_;
  const Recipe& recipe_;
  std::vector<NamedLora> pairs_;
  std::vector<at::Tensor> parameters_;  // that train, and of which this process holds all
  std::vector<Parameter> sharded_;      // full tuning with training.shard: all that train
  std::unique_ptr<RandomStream> dropout_;
  std::function<void(const Pace&)> on_pace_;
  PeriodicEvaluation evaluation_;
  Group* group_ = nullptr;
};

}  // namespace lethe
