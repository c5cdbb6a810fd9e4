// The one linear map, with any number of low-rank adapters on it. LoRA is nothing else anywhere.
#pragma once

#include <ATen/ATen.h>

#include <limits>
#include <vector>

#include "nn/nf4.h"

namespace lethe {

class RandomStream;

/// Low-rank update of one linear map: y += scale · B·(A·x).
struct LoraPair {
  at::Tensor a;        ///< [R, in]
  at::Tensor b;        ///< [out, R]
  double scale = 1.0;  ///< lora_alpha / R, or lora_alpha / √R (rslora)
};

/// How adapters take part in a forward pass; one for the whole model, so that the original is one switch away.
struct AdapterMode {
  bool on = true;
  double dropout = 0.0;                ///< of the adapter's input, while training only
  RandomStream* randomness = nullptr;  ///< draws the dropout masks; nullptr: no dropout
  /// Dropout applies to the first so many tokens of a pack; those behind (whose divergence is measured) go without.
  std::int64_t dropout_tokens = std::numeric_limits<std::int64_t>::max();
};

/// y = x·Wᵀ + bias, plus the adapters.
struct Linear {
  at::Tensor weight;  ///< [out, in]
  at::Tensor bias;    ///< [out], or undefined
  bool transposed =
      false;  ///< the weight is stored [in, out] (GPT-2's Conv1D); adapters are A [R, in], B [out, R] still
  std::vector<LoraPair> adapters;
  Nf4Matrix packed;  ///< in place of `weight`, which is undefined then: a frozen weight in four bits

  bool defined() const { return weight.defined() || packed.defined(); }
  std::int64_t in() const { return extent(transposed ? 0 : 1); }
  std::int64_t out() const { return extent(transposed ? 1 : 0); }
  std::int64_t extent(int dimension) const {
    if (packed.defined()) return dimension == 0 ? packed.rows : packed.columns;
    return weight.size(dimension);
  }
  /// @param x  [T, in]
  /// @return   [T, out]
  at::Tensor forward(const at::Tensor& x, const AdapterMode& mode) const;
};

}  // namespace lethe
