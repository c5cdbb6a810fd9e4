// Full tuning on ranks that hold the weights together: each updates its part (ZeRO, stage 3).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "models/sharded_layers.h"
#include "training/adamw.h"
#include "training/shared_gradients.h"
#include "training/snapshots.h"

namespace lethe {

/// Of each trained weight every rank has a piece, which its optimizer updates: of the layers' matrices the share of
/// ShardedLayers, of all other weights, which every rank holds, the slice of SharedGradients. So gradients, float32
/// copies and moments are cut into as many parts as there are ranks. After the update the slices are gathered.
///
/// Gradients add as in one process, but their norm adds over the ranks: the last bits may depend on their number.
class SharedWeights : public GradientSums, public StateOfRanks {
 public:
  /// @param trained  the weights that train; the others stay as they are
  SharedWeights(ShardedLayers& layers, const std::vector<Parameter>& trained);
  ~SharedWeights() override;
  SharedWeights(const SharedWeights&) = delete;
  SharedWeights& operator=(const SharedWeights&) = delete;

  /// For the optimizer: this rank's pieces, [n] each, on the host.
  const std::vector<at::Tensor>& pieces() const { return pieces_; }
  at::Tensor joint_norm(const at::Tensor& own) const;
  /// Sets the optimizer of the pieces, whose state snapshots hold. It outlives this.
  void hold_state_of(AdamW& optimizer) {
    optimizer_ = &optimizer;
    state_ = optimizer.state();
  }

  std::vector<std::uint8_t> own_present() const override { return gradients_.own_present(); }
  void add(const std::vector<std::vector<std::uint8_t>>& present) override { gradients_.add(present); }
  void finish() override;
  void discard() override;
  void updated() override;
  const std::vector<at::Tensor>& held_by_all() const override { return whole_; }

  std::vector<std::int64_t> shape(std::size_t entry) const override;
  at::Tensor gather(std::size_t entry) override;
  void scatter(std::size_t entry, const at::Tensor& whole) override;
  void scattered() override;

 private:
  struct Weight {
    Parameter parameter;
    std::size_t number = 0;  // in whole_, of one that every rank holds
    bool in_layer = false;   // of ShardedLayers
  };
  struct Range {
    std::int64_t begin = 0, end = 0;
  };
  struct Entry {  // of AdamW::state()
    std::size_t weight;
    bool cut;        // into pieces
    at::Tensor own;  // the optimizer's
  };
  Range of_rank(const Weight& weight, int rank) const;
  Entry entry(std::size_t number) const;
  at::Tensor gathered(Group& group, std::size_t weight, const at::Tensor& piece) const;
  void gather_entry(Group& group, std::size_t entry);
  void scatter_entry(Group& group, std::size_t entry);
  void take_slices(Group& group, std::size_t);
  void take_state(Group& group, std::size_t);

  ShardedLayers& layers_;
  ServingGroup& group_;
  std::vector<Weight> trained_;
  std::vector<at::Tensor> whole_;  // trained weights that every rank holds
  SharedGradients gradients_;      // of these
  at::Tensor slice_;               // of these: what their pieces are made of
  std::vector<at::Tensor> pieces_;
  AdamW* optimizer_ = nullptr;
  NamedTensors state_;                                                   // the optimizer's
  at::Tensor whole_entry_;                                               // while it is gathered or scattered
  std::int64_t gather_ = 0, scatter_ = 0, scattered_ = 0, updated_ = 0;  // works of the group
};

}  // namespace lethe
