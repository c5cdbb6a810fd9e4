#include "training/shared_weights.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "tensors/file_tensors.h"

namespace lethe {
namespace {

std::span<std::byte> writable_bytes(const at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.mutable_data_ptr()), tensor.nbytes()};
}

std::vector<at::Tensor> held_whole(const std::vector<Parameter>& trained) {
  std::vector<at::Tensor> whole;
  for (const Parameter& parameter : trained) {
    if (!ShardedLayers::holds(parameter)) whole.push_back(*parameter.tensor);
  }
  return whole;
}

}  // namespace

SharedWeights::SharedWeights(ShardedLayers& layers, const std::vector<Parameter>& trained)
    : layers_(layers), group_(layers.group()), whole_(held_whole(trained)), gradients_(group_, whole_) {
  const c10::NoGradGuard no_gradient;
  slice_ = gradients_.own_values();
  std::vector<Parameter> matrices;
  std::size_t number = 0;
  for (const Parameter& parameter : trained) {
    const bool in_layer = ShardedLayers::holds(parameter);
    trained_.push_back({parameter, in_layer ? 0 : number++, in_layer});
    if (in_layer) {
      matrices.push_back(parameter);
      pieces_.push_back(layers.values(parameter));
    } else {
      pieces_.push_back(gradients_.part(trained_.back().number, slice_));
    }
  }
  layers.train(matrices);
  const auto offer = [this](void (SharedWeights::*work)(Group&, std::size_t)) {
    return group_.offer([this, work](Group& group, std::int64_t entry, const std::vector<bool>&) {
      (this->*work)(group, static_cast<std::size_t>(entry));
    });
  };
  gather_ = offer(&SharedWeights::gather_entry);
  scatter_ = offer(&SharedWeights::scatter_entry);
  updated_ = offer(&SharedWeights::take_slices);
  scattered_ = offer(&SharedWeights::take_state);
}

SharedWeights::~SharedWeights() {
  layers_.train({});
}

SharedWeights::Range SharedWeights::of_rank(const Weight& weight, int rank) const {
  if (weight.in_layer) {
    const ShardedLayers::Range range = layers_.of_rank(weight.parameter, rank);
    return {range.begin, range.end};
  }
  const SharedGradients::Range range = gradients_.of_rank(weight.number, rank);
  return {range.begin, range.end};
}

at::Tensor SharedWeights::joint_norm(const at::Tensor& own) const {
  const double norm = own.item<double>();
  std::vector<double> norms(static_cast<std::size_t>(group_.size()));
  group_.gather(std::as_bytes(std::span(&norm, 1)), std::as_writable_bytes(std::span(norms)));
  double squares = 0;
  for (const double each : norms) squares += each * each;
  return at::scalar_tensor(std::sqrt(squares), at::kDouble);
}

void SharedWeights::finish() {
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    const Weight& weight = trained_[i];
    pieces_[i].mutable_grad() =
        weight.in_layer ? layers_.gradient(weight.parameter) : gradients_.own_sum(weight.number);
  }
}

void SharedWeights::discard() {
  gradients_.discard();
  layers_.clear_gradients();
  for (at::Tensor& piece : pieces_) piece.mutable_grad() = at::Tensor();
}

void SharedWeights::updated() {
  discard();
  group_.ask(updated_, 0);
}

// @param piece  this rank's, of a trained weight or of its moments @return [size]
at::Tensor SharedWeights::gathered(Group& group, std::size_t weight, const at::Tensor& piece) const {
  std::int64_t longest = 0;
  for (int rank = 0; rank < group.size(); ++rank) {
    const Range range = of_rank(trained_[weight], rank);
    longest = std::max(longest, range.end - range.begin);
  }
  const at::Tensor padded = at::zeros({longest}, piece.options()),
                   all = at::empty({longest * group.size()}, piece.options()),
                   whole = at::empty({trained_[weight].parameter.size()}, piece.options());
  padded.narrow(0, 0, piece.numel()).copy_(piece);
  group.gather(bytes_of(padded), writable_bytes(all));
  for (int rank = 0; rank < group.size(); ++rank) {
    const Range range = of_rank(trained_[weight], rank);
    const std::int64_t size = range.end - range.begin;
    whole.narrow(0, range.begin, size).copy_(all.narrow(0, longest * rank, size));
  }
  return whole;
}

// AdamW::state() has four entries for each weight: its values, two moments, and the number of updates, which is the
// same in all ranks.
SharedWeights::Entry SharedWeights::entry(std::size_t number) const {
  return {number / 4, number % 4 != 3, state_.at(number).second};
}

std::vector<std::int64_t> SharedWeights::shape(std::size_t number) const {
  const Entry entry = this->entry(number);
  return entry.cut ? trained_[entry.weight].parameter.shape : entry.own.sizes().vec();
}

at::Tensor SharedWeights::gather(std::size_t number) {
  if (!entry(number).cut) return entry(number).own;
  group_.ask(gather_, static_cast<std::int64_t>(number));
  return std::exchange(whole_entry_, {});
}

void SharedWeights::gather_entry(Group& group, std::size_t number) {
  const Entry entry = this->entry(number);
  const at::Tensor whole = gathered(group, entry.weight, entry.own);
  if (group.rank() == 0) whole_entry_ = whole;
}

void SharedWeights::scatter(std::size_t number, const at::Tensor& whole) {
  whole_entry_ = whole;
  group_.ask(scatter_, static_cast<std::int64_t>(number));
}

void SharedWeights::scatter_entry(Group& group, std::size_t number) {
  const c10::NoGradGuard no_gradient;
  const Entry entry = this->entry(number);
  const std::int64_t size = entry.cut ? trained_[entry.weight].parameter.size() : entry.own.numel();
  const at::Tensor all = at::empty({size}, entry.own.options());
  if (group.rank() == 0) all.copy_(std::exchange(whole_entry_, {}).reshape(-1));
  group.share(writable_bytes(all));
  const Range own = entry.cut ? of_rank(trained_[entry.weight], group.rank()) : Range{0, size};
  entry.own.copy_(all.narrow(0, own.begin, own.end - own.begin).view(entry.own.sizes()));
}

void SharedWeights::take_slices(Group& group, std::size_t) {
  gradients_.gather_values(group, slice_);
}

void SharedWeights::take_state(Group& group, std::size_t) {
  optimizer_->state_changed();
  take_slices(group, 0);
}

void SharedWeights::scattered() {
  group_.ask(scattered_, 0);
}

}  // namespace lethe
