// The matrices of a decoder's layers, of which each of several ranks holds a share: frozen ones, and ones that train.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "models/causal_lm.h"
#include "models/layer_weights.h"
#include "ranks/serving_group.h"

namespace lethe {

struct ShardOf {
  at::Device device = at::kCPU;       ///< where layers compute; shares stay in the host's memory
  at::ScalarType dtype = at::kFloat;  ///< of the weights
  bool nf4 = false;                   ///< shares, and what the ranks exchange, are NF4's codes and scales
};

/// The matrices of a layer lie one after the other in units of 64 weights, which are NF4's blocks. Of W ranks, rank r
/// holds the r-th of W equal runs of units; the last may be padded. A layer that computes has its whole matrices, the
/// same bits as without shares. Of matrices that train, a layer's gradients go to those who hold the weights as soon as
/// the layer's backward pass is done. Source of the idea: Rajbhandari et al. 2020 (ZeRO, stage 3); FSDP's FULL_SHARD.
class ShardedLayers : public LayerWeights {
 public:
  /// Takes all matrices of the model's layers (Parameter::linear). @param group  outlives the model
  ShardedLayers(CausalLM& model, ServingGroup& group, const ShardOf& options);

  /// Weights of a matrix, in the order in which it is stored: [begin, end).
  struct Range {
    std::int64_t begin = 0, end = 0;
  };
  /// Whether the ranks share this weight.
  static bool holds(const Parameter& parameter) { return parameter.linear != nullptr && parameter.layer >= 0; }
  /// Those of this rank; may be empty.
  Range own(const Parameter& parameter) const { return of_rank(parameter, group_.rank()); }
  Range of_rank(const Parameter& parameter, int rank) const;
  /// Stores them. @param values  [end − begin] in the dtype of the weights, on the host
  void set(const Parameter& parameter, const at::Tensor& values);
  /// This rank's weights of a matrix: those that layers are made of. Not with NF4.
  at::Tensor values(const Parameter& parameter) const;

  void bring(std::size_t layer) override;
  void drop(std::size_t layer) override;

  /// From now on these matrices train, and no others. At first none does. Not with NF4.
  void train(const std::vector<Parameter>& matrices);
  void differentiated(std::size_t layer) override;
  /// The sum of this rank's gradients of a matrix, [end − begin]; undefined: no micro-batch had one since
  /// clear_gradients(). Of micro-batches that the ranks compute at the same time, rank 0's is added first.
  at::Tensor gradient(const Parameter& parameter) const;
  void clear_gradients();
  ServingGroup& group() const { return group_; }
  /// Bytes that this rank holds of all layers.
  std::uint64_t bytes() const;

 private:
  struct Matrix {
    Linear* linear;
    std::int64_t rows, columns;
    std::int64_t unit;  // the first of the matrix, in its layer
    bool trains = false;
    at::Tensor leaf = {};  // of the graph, between the layer's forward and backward pass
    bool summed = false;   // whether its gradient is in Layer::sum
    std::int64_t units() const { return (rows * columns + kUnit - 1) / kUnit; }
  };
  struct Layer {
    std::vector<Matrix> matrices;
    std::int64_t share = 0;  // units of a rank
    at::Tensor values;       // [share · 64], or with NF4:
    at::Tensor codes;        // [share · 32]
    at::Tensor scales;       // [share]
    at::Tensor sum;          // of the gradients, as values; undefined: nothing trains
  };
  static constexpr std::int64_t kUnit = 64;

  const Matrix& find(const Parameter& parameter) const;
  Matrix& find(const Parameter& parameter);
  Range run_of(const Layer& layer, const Matrix& matrix, int rank) const;
  at::Tensor part(const Layer& layer, const Matrix& matrix, const at::Tensor& share) const;
  void gather(Group& group, std::size_t layer, bool wanted);
  void add_gradients(Group& group, std::size_t layer, bool computed);

  ServingGroup& group_;
  ShardOf options_;
  bool by_bfloat16_;
  at::Tensor pairs_;  // Nf4Matrix::pairs
  std::vector<Layer> layers_;
  std::vector<at::Tensor> gathered_;   // what bring() waits for
  std::int64_t gather_ = 0, add_ = 0;  // works of the group
};

}  // namespace lethe
