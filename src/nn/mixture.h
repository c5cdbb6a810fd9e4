// A mixture of experts in place of an MLP: a router sends each token to a few of many gated MLPs.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "nn/activation.h"
#include "nn/linear.h"

namespace lethe {

struct Expert {
  Linear gate, up, down;
};

struct Mixture {
  Linear router;                ///< [E, D]
  std::vector<Expert> experts;  ///< E; none: the layer has an ordinary MLP
  std::int64_t chosen = 0;      ///< experts per token
  bool normalised = false;      ///< whether the chosen experts' weights are scaled to sum to 1

  /// Σ over the chosen experts of softmax(router·x)[e] · expert_e(x), as in Shazeer et al. 2017 and Jiang et al. 2024
  /// (Mixtral). No noise, no load-balancing loss.
  /// @param x  [T, D]
  at::Tensor forward(const at::Tensor& x, Activation activation) const;
};

}  // namespace lethe
