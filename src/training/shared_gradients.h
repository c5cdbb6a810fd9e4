// Adds the gradients of micro-batches that several ranks computed, in the order of the micro-batches: the same bits as
// one process adds, for any number of ranks.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "ranks/group.h"

namespace lethe {

/// The parameters' gradients in a row are cut into one slice for each rank. In a round each rank sends every slice of
/// its gradients to the slice's owner, who adds the ranks' slices one after the other. At the end of the step the
/// owners' sums are gathered. A rank so sends and receives the size of all gradients in each round, and once more.
///
/// Memory: two and a half times the gradients, on the host.
class SharedGradients {
 public:
  /// @param parameters  of one dtype; the same in all ranks. Both outlive this
  SharedGradients(Group& group, const std::vector<at::Tensor>& parameters);

  /// Adds one micro-batch of each rank, rank 0's first: their .grad(), which it clears. A parameter without .grad()
  /// adds nothing.
  /// @param present  of each rank, in their order: whether each parameter has a .grad() (own_present())
  void add(const std::vector<std::vector<std::uint8_t>>& present);
  std::vector<std::uint8_t> own_present() const;
  /// Sets every rank's .grad() to the sums, for parameters that had one in some micro-batch. The next add() begins
  /// anew.
  void finish();

 private:
  at::Tensor flat(std::int64_t size) const;

  Group& group_;
  const std::vector<at::Tensor>& parameters_;
  std::vector<std::int64_t> begins_;  // of each parameter in the row; the last is the row's size
  std::int64_t slice_ = 0;            // elements
  at::Tensor sum_;                    // this rank's slice
  std::vector<std::uint8_t> summed_;  // whether a parameter had a gradient in this step
};

}  // namespace lethe
