#include "training/shared_gradients.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <span>

#include "core/error.h"

namespace lethe {
namespace {

std::span<std::byte> bytes_over(const at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.mutable_data_ptr()), tensor.nbytes()};
}

}  // namespace

SharedGradients::SharedGradients(Group& group, const std::vector<at::Tensor>& parameters)
    : group_(group), parameters_(parameters), begins_{0}, summed_(parameters.size()) {
  for (const at::Tensor& parameter : parameters) {
    if (parameter.scalar_type() != parameters.front().scalar_type())
      throw Error("internal: the trained weights have several dtypes");
    begins_.push_back(begins_.back() + parameter.numel());
  }
  slice_ = (begins_.back() + group.size() - 1) / group.size();
}

at::Tensor SharedGradients::flat(std::int64_t size) const {
  return at::empty({size}, at::TensorOptions().dtype(parameters_.front().scalar_type()));
}

std::vector<std::uint8_t> SharedGradients::own_present() const {
  std::vector<std::uint8_t> present;
  for (const at::Tensor& parameter : parameters_) present.push_back(parameter.grad().defined());
  return present;
}

void SharedGradients::add(const std::vector<std::vector<std::uint8_t>>& present) {
  if (parameters_.empty()) return;
  const c10::NoGradGuard no_gradient;
  at::Tensor pieces = flat(slice_ * group_.size()), received = flat(slice_ * group_.size());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor parameter = parameters_[i];
    if (!parameter.grad().defined()) continue;
    pieces.narrow(0, begins_[i], parameter.numel()).copy_(parameter.grad().reshape(-1));
    parameter.mutable_grad() = at::Tensor();
  }
  group_.exchange(bytes_over(pieces), bytes_over(received));
  if (!sum_.defined()) sum_ = flat(slice_);
  for (std::size_t rank = 0; rank < present.size(); ++rank) {
    const at::Tensor from = received.narrow(0, static_cast<std::int64_t>(rank) * slice_, slice_);
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (present[rank][i] == 0) continue;
      const bool begun = summed_[i] != 0;
      summed_[i] = 1;
      const at::Tensor sum = part(i, sum_), gradient = part(i, from);
      begun ? sum.add_(gradient) : sum.copy_(gradient);
    }
  }
}

SharedGradients::Range SharedGradients::of_rank(std::size_t parameter, int rank) const {
  const std::int64_t first = slice_ * rank - begins_[parameter], size = parameters_[parameter].numel();
  return {std::clamp<std::int64_t>(first, 0, size), std::clamp<std::int64_t>(first + slice_, 0, size)};
}

at::Tensor SharedGradients::part(std::size_t parameter, const at::Tensor& slice) const {
  const Range own = of_rank(parameter, group_.rank());
  if (own.begin == own.end) return slice.narrow(0, 0, 0);
  return slice.narrow(0, begins_[parameter] + own.begin - slice_ * group_.rank(), own.end - own.begin);
}

at::Tensor SharedGradients::own_sum(std::size_t parameter) const {
  return summed_[parameter] != 0 ? part(parameter, sum_) : at::Tensor();
}

at::Tensor SharedGradients::own_values() const {
  if (parameters_.empty()) return {};
  const at::Tensor slice = flat(slice_).zero_();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Range own = of_rank(i, group_.rank());
    part(i, slice).copy_(parameters_[i].detach().reshape(-1).narrow(0, own.begin, own.end - own.begin));
  }
  return slice;
}

// @param take  receives each parameter's values, [n]
void SharedGradients::gather(Group& group, const at::Tensor& slice,
                             const std::function<void(std::size_t parameter, const at::Tensor& values)>& take) const {
  if (parameters_.empty()) return;
  const c10::NoGradGuard no_gradient;
  const at::Tensor all = flat(slice_ * group_.size());
  group.gather(bytes_over(slice), bytes_over(all));
  for (std::size_t i = 0; i < parameters_.size(); ++i) take(i, all.narrow(0, begins_[i], parameters_[i].numel()));
}

void SharedGradients::gather_values(Group& group, const at::Tensor& slice) const {
  gather(group, slice, [&](std::size_t i, const at::Tensor& values) {
    parameters_[i].detach().copy_(values.view(parameters_[i].sizes()));
  });
}

void SharedGradients::finish() {
  gather(group_, sum_, [&](std::size_t i, const at::Tensor& values) {
    if (summed_[i] == 0) return;
    at::Tensor parameter = parameters_[i];
    parameter.mutable_grad() =
        values.view(parameter.sizes()).to(parameter.device(), parameter.scalar_type(), false, /*copy=*/true);
  });
  std::fill(summed_.begin(), summed_.end(), 0);
}

void SharedGradients::discard() {
  for (at::Tensor parameter : parameters_) parameter.mutable_grad() = at::Tensor();
  std::fill(summed_.begin(), summed_.end(), 0);
}

}  // namespace lethe
