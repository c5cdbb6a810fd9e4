// Preservation divergence (SKU stage 1, eq. 3): drive the model away from the original on normal text, so that the task
// vector carries no shared normal knowledge.
#pragma once

#include <span>
#include <string>

#include "objectives/original.h"

namespace lethe {

/// A head of the same values, apart from the model, without gradient.
Head frozen_copy(const Head& head);

/// The original model's hidden states on pairs, without a second copy of the model.
class Reference {
 public:
  virtual ~Reference() = default;
  /// Final hidden states of the original model at the response positions of these pairs, in their order: [N, E].
  virtual at::Tensor states(std::span<const Pair> pairs) = 0;
  virtual Head head() = 0;
};

/// With LoRA: the same model with its adapters switched off.
class AdapterOffReference : public Reference {
 public:
  AdapterOffReference(CausalLM& model, ExampleMaker& examples)
      : model_(model), original_(model, examples, final_states) {}
  at::Tensor states(std::span<const Pair> pairs) override { return original_.values(pairs); }
  Head head() override;

 private:
  CausalLM& model_;
  AdapterOffOriginal original_;
};

/// For full tuning: computed once, before the first step (when θ = θ_o), for every pair that will be needed. The
/// original head is copied. Memory: response tokens × E, and one head.
class StoredReference : public Reference {
 public:
  /// @param examples  outlives this
  /// @throws Error (interrupted) if the user asked to stop
  StoredReference(CausalLM& model, ExampleMaker& examples, std::span<const Pair> pairs);
  /// Adds pairs; the model must hold the original's weights. @param kind  of answers, for the progress
  void add(CausalLM& model, std::span<const Pair> pairs, const std::string& kind = "normal") {
    original_.add(model, pairs, kind);
  }
  /// @throws Error if a pair was not among those given
  at::Tensor states(std::span<const Pair> pairs) override { return original_.values(pairs); }
  Head head() override { return head_; }

 private:
  StoredOriginal original_;
  Head head_;
};

/// Mean over response tokens of KL(P‖Q), P the original model, Q the current one.
struct Divergence {
  at::Tensor mean;  ///< nats per token, scalar; rounding never makes it negative
  at::Tensor loss;  ///< −ε3 · mean, with gradient; 0 · mean once the mean has passed the margin
};

/// @param states   [N, E] hidden states of the current model at the normal pairs' response positions
/// @param eps_pd   ε3
/// @param margin   nats per token; beyond it the term has no gradient (otherwise it is unbounded below); 0 = off
Divergence preservation_divergence(const at::Tensor& states, const Head& head, const at::Tensor& reference_states,
                                   const Head& reference_head, double eps_pd, double margin);

}  // namespace lethe
