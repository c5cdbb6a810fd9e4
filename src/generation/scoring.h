// Teacher-forced log-probabilities of given tokens.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "models/causal_lm.h"

namespace lethe {

struct ScoringOptions {
  std::int64_t batch_tokens = 4096;  ///< tokens packed into one forward pass
  std::function<void(std::size_t rows)> progress;
};

/// logprobs[j] of each row is log P(ids[j+1] | ids[0..j]), nats.
/// @throws Error (bad input) with the row's number (from 1) if it is empty or longer than the model's positions
std::vector<std::vector<float>> score_rows(const CausalLM& model, std::span<const std::vector<int>> rows,
                                           const ScoringOptions& options = {});

}  // namespace lethe
