// Chooses the next token: the likeliest, or one drawn with temperature, top-k and top-p.
#pragma once

#include <ATen/ATen.h>

#include "core/random.h"

namespace lethe {

struct SamplingOptions {
  double temperature = 0.0;  ///< 0: greedy
  double top_p = 1.0;        ///< the smallest set of tokens whose probabilities reach it (Holtzman et al. 2020)
  std::int64_t top_k = 0;    ///< only the k likeliest; 0: all
  bool operator==(const SamplingOptions&) const = default;
};

/// @param logits  [V] float, on the CPU
int sample_token(const at::Tensor& logits, const SamplingOptions& options, RandomStream& stream);

/// The same for several rows on a GPU, without waiting for it. Equal draws choose equal tokens, except where rounding
/// in float64 decides.
/// @param logits    [N, V] float
/// @param uniforms  [N] float64 in [0, 1), each row's draw; not used if greedy
/// @return          [N] int64
at::Tensor sample_tokens(const at::Tensor& logits, const SamplingOptions& options, const at::Tensor& uniforms);

}  // namespace lethe
