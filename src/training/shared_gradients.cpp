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
  const std::int64_t first = slice_ * group_.rank(), last = first + slice_;
  for (std::size_t rank = 0; rank < present.size(); ++rank) {
    const at::Tensor from = received.narrow(0, static_cast<std::int64_t>(rank) * slice_, slice_);
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (present[rank][i] == 0) continue;
      const bool begun = summed_[i] != 0;
      summed_[i] = 1;
      const std::int64_t begin = std::max(begins_[i], first), end = std::min(begins_[i + 1], last);
      if (begin >= end) continue;
      at::Tensor sum = sum_.narrow(0, begin - first, end - begin);
      const at::Tensor gradient = from.narrow(0, begin - first, end - begin);
      begun ? sum.add_(gradient) : sum.copy_(gradient);
    }
  }
}

void SharedGradients::finish() {
  const c10::NoGradGuard no_gradient;
  const at::Tensor all = flat(slice_ * group_.size());
  group_.gather(bytes_over(sum_), bytes_over(all));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (summed_[i] == 0) continue;
    at::Tensor parameter = parameters_[i];
    parameter.mutable_grad() = all.narrow(0, begins_[i], parameter.numel())
                                   .view(parameter.sizes())
                                   .to(parameter.device(), parameter.scalar_type(), false, /*copy=*/true);
  }
  std::fill(summed_.begin(), summed_.end(), 0);
}

}  // namespace lethe
