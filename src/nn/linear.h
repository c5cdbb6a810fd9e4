// A linear map with any number of low-rank adapters. This is the only forward pass of LoRA.
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

/// How adapters act in a forward pass. The whole model shares one, so a single switch gives the original model.
struct AdapterMode {
  bool on = true;
  double dropout = 0.0;                ///< of the adapter's input, in training only
  RandomStream* randomness = nullptr;  ///< draws the dropout masks; nullptr: no dropout
  /// Dropout applies only to this many leading tokens of a pack. The divergence of later tokens is measured without it.
  std::int64_t dropout_tokens = std::numeric_limits<std::int64_t>::max();
};

/// y = x·Wᵀ + bias, plus the adapters.
struct Linear {
  at::Tensor weight;        ///< [out, in]
  at::Tensor bias;          ///< [out], or undefined
  bool transposed = false;  ///< the weight is stored [in, out] (GPT-2's Conv1D); adapters stay A [R, in], B [out, R]
  std::vector<LoraPair> adapters;
  Nf4Matrix packed;                    ///< a frozen 4-bit weight; `weight` is then undefined
  std::int64_t rows = 0, columns = 0;  ///< of a weight that is not here between two uses (models/sharded_layers.h)

  bool defined() const { return weight.defined() || packed.defined(); }
  std::int64_t in() const { return extent(transposed ? 0 : 1); }
  std::int64_t out() const { return extent(transposed ? 1 : 0); }
  std::int64_t extent(int dimension) const {
    if (packed.defined()) return dimension == 0 ? packed.rows : packed.columns;
    if (weight.defined()) return weight.size(dimension);
    return dimension == 0 ? rows : columns;
  }
  /// @param x  [T, in]
  /// @return   [T, out]
  at::Tensor forward(const at::Tensor& x, const AdapterMode& mode) const;
};

}  // namespace lethe
