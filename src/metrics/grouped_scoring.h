// Runs responses that share a prompt through a model: each prompt is computed once.
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "models/causal_lm.h"
#include "objectives/packing.h"

namespace lethe {

/// Groups [begin, end) in one pack.
struct ScoredPack {
  std::size_t begin = 0, end = 0;
  const PackedExamples& packed;  ///< its spans: the examples of these groups, in order
  at::Tensor states;             ///< [N, E] hidden states that predict packed.targets
};

/// Packs as many groups as fit into about 4,096 tokens, runs the model, and passes on each pack; no gradient.
/// @param group     the examples of a group: one prompt's responses, each with a prompt token and a response token
/// @param progress  called with the number of groups done
void score_groups(const CausalLM& model, std::size_t groups,
                  const std::function<std::vector<Example>(std::size_t)>& group,
                  const std::function<void(const ScoredPack&)>& take,
                  const std::function<void(std::size_t)>& progress = {});

}  // namespace lethe
