// Chooses the next token: the likeliest, or one drawn with temperature, top-k and top-p.
#pragma once

#include <ATen/ATen.h>

#include "core/random.h"

namespace lethe {

struct SamplingOptions {
  double temperature = 0.0;  ///< 0: greedy
  double top_p = 1.0;        ///< the smallest set of tokens whose probabilities reach it (Holtzman et al. 2020)
  std::int64_t top_k = 0;    ///< only the k likeliest; 0: all
};

/// @param logits  [V] float, on the CPU
int sample_token(const at::Tensor& logits, const SamplingOptions& options, RandomStream& stream);

}  // namespace lethe
