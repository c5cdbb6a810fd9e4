// Weights of a decoder's layers that are in memory only while their layer computes.
#pragma once

#include <cstddef>

namespace lethe {

class LayerWeights {
 public:
  virtual ~LayerWeights() = default;
  /// Fills the layer's linear maps. A gradient that is recorded meanwhile keeps what it needs beyond drop().
  virtual void bring(std::size_t layer) = 0;
  virtual void drop(std::size_t layer) = 0;
  /// The backward pass of a recomputed layer is done, and what it was brought for has its gradients.
  virtual void differentiated(std::size_t layer) = 0;
};

}  // namespace lethe
