// Decides what `dtype: auto` stands for in a training on a CPU.
#pragma once

#include <cstdint>
#include <functional>

#include "formats/checkpoint.h"
#include "recipe/recipe.h"
#include "tensors/device.h"

namespace lethe {

/// How many times as fast a product with a bfloat16 weight [out, in] is as one with a float32 weight, for a few hundred
/// rows. Measures for about a tenth of a second.
double bfloat16_speed(std::int64_t in, std::int64_t out);

/// Decides `auto` on a CPU: bfloat16 if the recipe trains adapters, the checkpoint stores bfloat16 (so that no weight
/// is rounded), the CPU multiplies it (nn/bfloat16_product.h) and a measured product is at least 1.5 times as fast.
/// If only the measurement is slower, float32 is written; in all other cases `auto` stays, which is float32. Training
/// of all weights keeps float32: most of its steps are smaller than a step of bfloat16.
///
/// @param compute  changed with the recipe
/// @param speed    measures; a test replaces it
/// @return  the recipe with the decision in place of `auto`, so that a resumed or repeated run computes the same
Recipe with_dtype(Recipe recipe, const Checkpoint& base, Compute& compute,
                  const std::function<double(std::int64_t in, std::int64_t out)>& speed = bfloat16_speed);

}  // namespace lethe
