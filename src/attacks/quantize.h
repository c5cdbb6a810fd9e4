// Quantization as an attack: weights rounded to a few bits may lose the small change that unlearning made.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>

#include "attacks/attack.h"

namespace lethe {

/// Rounds each weight to the nearest of 2^bits − 1 levels, symmetric around zero: q·s with the whole number
/// q = round(w / s) (ties to even) and s = max|w| / (2^(bits−1) − 1) over a group. A group of zeros stays zero.
/// @param weight  [out, in], or [in, out] with `transposed` (GPT-2); floating
/// @param bits    2 … 8
/// @param group   weights along `in` that share a scale; 0: all of them
/// @return        the rounded weights in the same type, computed in float32
at::Tensor round_to_nearest(const at::Tensor& weight, std::int64_t bits, std::int64_t group, bool transposed = false);

/// The layers' matrices in NF4 (nn/nf4.h), int8 (a scale for each output) and int4 (a scale for each 128 inputs), a
/// part each. Embeddings, head, norms and biases stay as they are, as in the usual loaders.
/// Source: Zhang et al. 2024 (arXiv 2410.16454).
std::unique_ptr<Attack> make_quantize(const AttackInputs& inputs);

}  // namespace lethe
