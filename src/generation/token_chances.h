// Log-probabilities of chosen tokens, and the likeliest tokens beside them.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace lethe {

struct TokenChances {
  float logprob = 0;                       ///< of the token, nats; before temperature, top-k and top-p
  std::vector<std::pair<int, float>> top;  ///< the likeliest tokens with theirs, the likeliest first
};

/// @param logits  [N, V] float
/// @param tokens  N ids below V
/// @param top     how many of the likeliest; at most V are found
std::vector<TokenChances> token_chances(const at::Tensor& logits, std::span<const int> tokens, std::int64_t top);

}  // namespace lethe
