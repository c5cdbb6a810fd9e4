#include "models/sharded_layers.h"

#include <algorithm>

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
}

const ShardedLayers::Matrix& ShardedLayers::find(const Parameter& parameter) const {
  const auto& matrices = layers_.at(static_cast<std::size_t>(parameter.layer)).matrices;
  return *std::find_if(matrices.begin(), matrices.end(),
                       [&](const Matrix& matrix) { return matrix.linear == parameter.linear; });
}

ShardedLayers::Range ShardedLayers::own(const Parameter& parameter) const {
  const Matrix& matrix = find(parameter);
  const std::int64_t share = layers_[static_cast<std::size_t>(parameter.layer)].share, first = share * group_.rank();
  const std::int64_t size = matrix.rows * matrix.columns;
  return {std::clamp<std::int64_t>((first - matrix.unit) * kUnit, 0, size),
          std::clamp<std::int64_t>((first + share - matrix.unit) * kUnit, 0, size)};
}

void ShardedLayers::set(const Parameter& parameter, const at::Tensor& values) {
  const Range range = own(parameter);
  if (values.numel() != range.end - range.begin) throw Error("internal: another share of " + parameter.name);
  if (range.begin == range.end) return;
  Layer& layer = layers_[static_cast<std::size_t>(parameter.layer)];
  const std::int64_t unit = find(parameter).unit + range.begin / kUnit - layer.share * group_.rank();
  if (!options_.nf4) {
    layer.values.narrow(0, unit * kUnit, values.numel()).copy_(values);
    return;
  }
  const Nf4Matrix packed = to_nf4(values.view({1, -1}));
  layer.codes.narrow(0, unit * kUnit / 2, packed.codes.numel()).copy_(packed.codes);
  layer.scales.narrow(0, unit, packed.scales.numel()).copy_(packed.scales);
}

void ShardedLayers::offer() {
  std::vector<ServingGroup::Pieces> parts;
  for (const Layer& layer : layers_) {
    ServingGroup::Pieces& pieces = parts.emplace_back();
    for (const at::Tensor& tensor : {layer.values, layer.codes, layer.scales}) {
      if (tensor.defined()) pieces.push_back(bytes_of(tensor));
    }
  }
  group_.offer(std::move(parts));
}

void ShardedLayers::bring(std::size_t index) {
  const Layer& layer = layers_.at(index);
  const std::int64_t units = layer.share * group_.size();
  if (options_.nf4) {
    at::Tensor codes = on_host(units * kUnit / 2, at::kByte), scales = on_host(units, at::kFloat);
    group_.fetch(index, {writable_bytes(codes), writable_bytes(scales)});
    codes = codes.to(options_.device);
    scales = scales.to(options_.device);
    for (const Matrix& matrix : layer.matrices) {
      const std::int64_t size = matrix.rows * matrix.columns;
      matrix.linear->packed = {codes.narrow(0, matrix.unit * kUnit / 2, (size + 1) / 2),
                               scales.narrow(0, matrix.unit, matrix.units()),
                               matrix.rows,
                               matrix.columns,
                               pairs_,
                               by_bfloat16_};
    }
    return;
  }
  at::Tensor values = on_host(units * kUnit, options_.dtype);
  group_.fetch(index, {writable_bytes(values)});
  values = values.to(options_.device);
  for (const Matrix& matrix : layer.matrices)
    matrix.linear->weight =
        values.narrow(0, matrix.unit * kUnit, matrix.rows * matrix.columns).view({matrix.rows, matrix.columns});
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
