#include "models/sharded_layers.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "nn/bfloat16_product.h"
#include "nn/nf4.h"
#include "tensors/file_tensors.h"

namespace lethe {
namespace {

std::span<std::byte> writable_bytes(const at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.mutable_data_ptr()), tensor.nbytes()};
}

at::Tensor on_host(std::int64_t size, at::ScalarType type) {
  return at::empty({size}, at::TensorOptions().dtype(type));
}

}  // namespace

ShardedLayers::ShardedLayers(CausalLM& model, ServingGroup& group, const ShardOf& options)
    : group_(group),
      options_(options),
      by_bfloat16_(activation_type(options.device, options.dtype) != options.dtype),
      layers_(static_cast<std::size_t>(model.spec().layers)) {
  if (options.nf4) pairs_ = to_nf4(at::zeros({1, kUnit})).to(options.device).pairs;
  for (const Parameter& parameter : model.parameters()) {
    if (!holds(parameter)) continue;
    Layer& layer = layers_[static_cast<std::size_t>(parameter.layer)];
    const Matrix* before = layer.matrices.empty() ? nullptr : &layer.matrices.back();
    layer.matrices.push_back({parameter.linear, parameter.shape[0], parameter.shape[1],
                              before == nullptr ? 0 : before->unit + before->units()});
    parameter.linear->rows = parameter.shape[0];
    parameter.linear->columns = parameter.shape[1];
  }
  for (Layer& layer : layers_) {
    if (layer.matrices.empty()) continue;
    const std::int64_t units = layer.matrices.back().unit + layer.matrices.back().units();
    layer.share = (units + group.size() - 1) / group.size();
    if (options.nf4) {
      layer.codes = at::zeros({layer.share * kUnit / 2}, at::kByte);
      layer.scales = at::zeros({layer.share}, at::kFloat);
    } else {
      layer.values = at::zeros({layer.share * kUnit}, options.dtype);
    }
  }
  const auto asked = [this](const std::vector<bool>& asks) { return asks[static_cast<std::size_t>(group_.rank())]; };
  gather_ = group.offer([this, asked](Group& direct, std::int64_t layer, const std::vector<bool>& asks) {
    gather(direct, static_cast<std::size_t>(layer), asked(asks));
  });
  add_ = group.offer([this, asked](Group& direct, std::int64_t layer, const std::vector<bool>& asks) {
    add_gradients(direct, static_cast<std::size_t>(layer), asked(asks));
  });
}

ShardedLayers::Matrix& ShardedLayers::find(const Parameter& parameter) {
  auto& matrices = layers_.at(static_cast<std::size_t>(parameter.layer)).matrices;
  return *std::find_if(matrices.begin(), matrices.end(),
                       [&](const Matrix& matrix) { return matrix.linear == parameter.linear; });
}

const ShardedLayers::Matrix& ShardedLayers::find(const Parameter& parameter) const {
  return const_cast<ShardedLayers*>(this)->find(parameter);
}

ShardedLayers::Range ShardedLayers::run_of(const Layer& layer, const Matrix& matrix, int rank) const {
  const std::int64_t first = layer.share * rank, size = matrix.rows * matrix.columns;
  return {std::clamp<std::int64_t>((first - matrix.unit) * kUnit, 0, size),
          std::clamp<std::int64_t>((first + layer.share - matrix.unit) * kUnit, 0, size)};
}

ShardedLayers::Range ShardedLayers::of_rank(const Parameter& parameter, int rank) const {
  return run_of(layers_[static_cast<std::size_t>(parameter.layer)], find(parameter), rank);
}

// The weights of a matrix in this rank's share of its layer.
at::Tensor ShardedLayers::part(const Layer& layer, const Matrix& matrix, const at::Tensor& share) const {
  const Range range = run_of(layer, matrix, group_.rank());
  if (range.begin == range.end) return share.narrow(0, 0, 0);
  return share.narrow(0, matrix.unit * kUnit + range.begin - layer.share * kUnit * group_.rank(),
                      range.end - range.begin);
}

void ShardedLayers::set(const Parameter& parameter, const at::Tensor& values) {
  const Range range = own(parameter);
  if (values.numel() != range.end - range.begin) throw Error("internal: another share of " + parameter.name);
  if (range.begin == range.end) return;
  Layer& layer = layers_[static_cast<std::size_t>(parameter.layer)];
  const Matrix& matrix = find(parameter);
  if (!options_.nf4) {
    part(layer, matrix, layer.values).copy_(values);
    return;
  }
  const std::int64_t unit = matrix.unit + range.begin / kUnit - layer.share * group_.rank();
  const Nf4Matrix packed = to_nf4(values.view({1, -1}));
  layer.codes.narrow(0, unit * kUnit / 2, packed.codes.numel()).copy_(packed.codes);
  layer.scales.narrow(0, unit, packed.scales.numel()).copy_(packed.scales);
}

at::Tensor ShardedLayers::values(const Parameter& parameter) const {
  const Layer& layer = layers_[static_cast<std::size_t>(parameter.layer)];
  return part(layer, find(parameter), layer.values);
}

void ShardedLayers::gather(Group& group, std::size_t index, bool wanted) {
  const Layer& layer = layers_.at(index);
  std::size_t i = 0;
  for (const at::Tensor& own : {layer.values, layer.codes, layer.scales}) {
    if (!own.defined()) continue;
    const at::Tensor all = wanted ? gathered_.at(i) : on_host(own.numel() * group.size(), own.scalar_type());
    group.gather(bytes_of(own), writable_bytes(all));
    ++i;
  }
}

void ShardedLayers::bring(std::size_t index) {
  Layer& layer = layers_.at(index);
  if (layer.matrices.empty()) return;
  gathered_.clear();
  for (const at::Tensor& own : {layer.values, layer.codes, layer.scales}) {
    if (own.defined()) gathered_.push_back(on_host(own.numel() * group_.size(), own.scalar_type()));
  }
  group_.ask(gather_, static_cast<std::int64_t>(index));
  std::vector<at::Tensor> all = std::exchange(gathered_, {});
  for (at::Tensor& tensor : all) tensor = tensor.to(options_.device);
  for (Matrix& matrix : layer.matrices) {
    const std::int64_t size = matrix.rows * matrix.columns;
    if (options_.nf4) {
      matrix.linear->packed = {all[0].narrow(0, matrix.unit * kUnit / 2, (size + 1) / 2),
                               all[1].narrow(0, matrix.unit, matrix.units()),
                               matrix.rows,
                               matrix.columns,
                               pairs_,
                               by_bfloat16_};
      continue;
    }
    matrix.linear->weight = all[0].narrow(0, matrix.unit * kUnit, size).view({matrix.rows, matrix.columns});
    if (!matrix.trains || !c10::GradMode::is_enabled()) continue;
    matrix.linear->weight = matrix.linear->weight.detach().requires_grad_(true);
    matrix.leaf = matrix.linear->weight;
  }
}

void ShardedLayers::train(const std::vector<Parameter>& matrices) {
  for (Layer& layer : layers_) {
    for (Matrix& matrix : layer.matrices) matrix.trains = false;
    layer.sum = at::Tensor();
  }
  clear_gradients();
  for (const Parameter& parameter : matrices) {
    Layer& layer = layers_[static_cast<std::size_t>(parameter.layer)];
    find(parameter).trains = true;
    if (!layer.sum.defined()) layer.sum = at::zeros_like(layer.values);
  }
}

void ShardedLayers::differentiated(std::size_t index) {
  Layer& layer = layers_.at(index);
  if (!layer.sum.defined()) return;
  group_.ask(add_, static_cast<std::int64_t>(index));
  for (Matrix& matrix : layer.matrices) matrix.leaf = at::Tensor();
}

// @param computed  whether this rank has gradients of the layer
void ShardedLayers::add_gradients(Group& group, std::size_t index, bool computed) {
  const c10::NoGradGuard no_gradient;
  Layer& layer = layers_.at(index);
  const std::int64_t share = layer.values.numel();
  const at::Tensor pieces = on_host(share * group.size(), options_.dtype),
                   received = on_host(share * group.size(), options_.dtype);
  std::vector<std::uint8_t> present;  // by matrix; some experts of a mixture have no rows
  for (const Matrix& matrix : layer.matrices) {
    const at::Tensor gradient = computed && matrix.leaf.defined() ? matrix.leaf.grad() : at::Tensor();
    present.push_back(gradient.defined());
    if (gradient.defined()) pieces.narrow(0, matrix.unit * kUnit, gradient.numel()).copy_(gradient.reshape(-1));
  }
  std::vector<std::uint8_t> all(present.size() * static_cast<std::size_t>(group.size()));
  group.gather(std::as_bytes(std::span(present)), std::as_writable_bytes(std::span(all)));
  group.exchange(bytes_of(pieces), writable_bytes(received));
  for (std::size_t i = 0; i < all.size(); ++i) {
    Matrix& matrix = layer.matrices[i % present.size()];
    if (all[i] == 0) continue;
    const std::int64_t rank = static_cast<std::int64_t>(i / present.size());
    const at::Tensor sum = part(layer, matrix, layer.sum),
                     more = part(layer, matrix, received.narrow(0, rank * share, share));
    matrix.summed ? sum.add_(more) : sum.copy_(more);
    matrix.summed = true;
  }
}

at::Tensor ShardedLayers::gradient(const Parameter& parameter) const {
  const Layer& layer = layers_[static_cast<std::size_t>(parameter.layer)];
  const Matrix& matrix = find(parameter);
  return matrix.summed ? part(layer, matrix, layer.sum) : at::Tensor();
}

void ShardedLayers::clear_gradients() {
  for (Layer& layer : layers_) {
    for (Matrix& matrix : layer.matrices) {
      matrix.leaf = at::Tensor();
      matrix.summed = false;
    }
  }
}

void ShardedLayers::drop(std::size_t index) {
  for (const Matrix& matrix : layers_.at(index).matrices) {
    matrix.linear->weight = at::Tensor();
    matrix.linear->packed = Nf4Matrix();
  }
}

std::uint64_t ShardedLayers::bytes() const {
  std::uint64_t bytes = 0;
  for (const Layer& layer : layers_) {
    for (const at::Tensor& tensor : {layer.values, layer.codes, layer.scales}) {
      if (tensor.defined()) bytes += tensor.nbytes();
    }
  }
  return bytes;
}

}  // namespace lethe
