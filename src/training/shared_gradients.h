// Adds the gradients of micro-batches that several ranks computed, in the order of the micro-batches: the same bits as
// one process adds, for any number of ranks.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "ranks/group.h"

namespace lethe {

/// Adds the gradients of a step's micro-batches, which all ranks compute together.
class GradientSums {
 public:
  virtual ~GradientSums() = default;
  /// Whether each parameter that every rank holds has a .grad().
  virtual std::vector<std::uint8_t> own_present() const = 0;
  /// Adds one micro-batch of each rank, rank 0's first: their .grad(), which it clears. A parameter without .grad()
  /// adds nothing.
  /// @param present  of each rank, in their order: own_present()
  virtual void add(const std::vector<std::vector<std::uint8_t>>& present) = 0;
  /// Sets the .grad() of what the optimizer updates, for parameters that had one in some micro-batch. The next add()
  /// begins anew.
  virtual void finish() = 0;
  /// Forgets the gradients of an incomplete step.
  virtual void discard() = 0;
  /// Call it after the update.
  virtual void updated() {}
  /// Parameters that every rank holds.
  virtual const std::vector<at::Tensor>& held_by_all() const = 0;
};

/// The parameters' gradients in a row are cut into one slice for each rank. In a round each rank sends every slice of
/// its gradients to the slice's owner, who adds the ranks' slices one after the other. At the end of the step the
/// owners' sums are gathered. A rank so sends and receives the size of all gradients in each round, and once more.
///
/// Memory: two and a half times the gradients, on the host.
class SharedGradients : public GradientSums {
 public:
  /// @param parameters  of one dtype; the same in all ranks. Both outlive this
  SharedGradients(Group& group, const std::vector<at::Tensor>& parameters);

  std::vector<std::uint8_t> own_present() const override;
  void add(const std::vector<std::vector<std::uint8_t>>& present) override;
  void finish() override;
  void discard() override;
  const std::vector<at::Tensor>& held_by_all() const override { return parameters_; }

  /// Elements of a parameter: [begin, end).
  struct Range {
    std::int64_t begin = 0, end = 0;
  };
  /// Those in a rank's slice; may be empty.
  Range of_rank(std::size_t parameter, int rank) const;
  /// This rank's slice of the parameters' values, on the host, and the part of a parameter in it: [end − begin].
  at::Tensor own_values() const;
  at::Tensor part(std::size_t parameter, const at::Tensor& slice) const;
  /// Sets all parameters to their owners' slices. @param group  the same ranks @param slice  as own_values()
  void gather_values(Group& group, const at::Tensor& slice) const;
  /// The sum of this rank's slice of a parameter, [end − begin], until the next step; undefined: no gradient.
  at::Tensor own_sum(std::size_t parameter) const;

 private:
  at::Tensor flat(std::int64_t size) const;
  void gather(Group& group, const at::Tensor& slice,
              const std::function<void(std::size_t parameter, const at::Tensor& values)>& take) const;

  Group& group_;
  const std::vector<at::Tensor>& parameters_;
  std::vector<std::int64_t> begins_;  // of each parameter in the row; the last is the row's size
  std::int64_t slice_ = 0;            // elements
  at::Tensor sum_;                    // this rank's slice
  std::vector<std::uint8_t> summed_;  // whether a parameter had a gradient in this step
};

}  // namespace lethe
