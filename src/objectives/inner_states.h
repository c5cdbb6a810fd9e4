// States between layers, for objectives that change what a model thinks instead of what it says.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "objectives/preservation_divergence.h"

namespace lethe {

/// Layers of a model of this depth that correspond to layers published for models of 32: the same share of the layers
/// lies below, rounded. Ascending, each once, numbered from 0.
std::vector<std::int64_t> layers_at_depth(const std::vector<std::int64_t>& of_32, std::int64_t depth);

/// The residual stream after these layers (CausalLM::residuals()) at the positions that predict the response tokens.
/// @param layers  ascending, numbered from 0
/// @return        [N, L, D] float32 (float64 if the model is), with gradient
at::Tensor inner_states(const CausalLM& model, const PackedExamples& packed, const std::vector<std::int64_t>& layers);

/// The original's inner states: [N, L, D].
class InnerReference : public Reference {
 public:
  /// @param original  of inner_states()
  explicit InnerReference(std::unique_ptr<Original> original) : original_(std::move(original)) {}
  at::Tensor states(std::span<const Pair> pairs) override { return original_->values(pairs); }
  /// Inner states have no head: undefined.
  Head head() override { return {}; }

 private:
  std::unique_ptr<Original> original_;
};

}  // namespace lethe
