#include "tensors/file_tensors.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "kernels/finite_kernel.h"
#include "tensors/parallel.h"

namespace lethe {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 15> kTypes = {{{DType::boolean, at::kBool},
                                                                      {DType::u8, at::kByte},
                                                                      {DType::i8, at::kChar},
                                                                      {DType::u16, at::kUInt16},
                                                                      {DType::i16, at::kShort},
                                                                      {DType::u32, at::kUInt32},
                                                                      {DType::i32, at::kInt},
                                                                      {DType::u64, at::kUInt64},
                                                                      {DType::i64, at::kLong},
                                                                      {DType::f8_e4m3, at::kFloat8_e4m3fn},
                                                                      {DType::f8_e5m2, at::kFloat8_e5m2},
                                                                      {DType::f16, at::kHalf},
                                                                      {DType::bf16, at::kBFloat16},
                                                                      {DType::f32, at::kFloat},
                                                                      {DType::f64, at::kDouble}}};

// action(begin, end) over [0, count) in parallel, in pieces that stay in a core's cache.
template <class Action>
void in_pieces(std::int64_t count, Action action) {
  constexpr std::int64_t kPiece = 1 << 18;
  in_parallel((count + kPiece - 1) / kPiece,
              [&](std::int64_t piece) { action(piece * kPiece, std::min((piece + 1) * kPiece, count)); });
}

}  // namespace

at::ScalarType scalar_type(DType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (ours == type) return theirs;
  }
  throw bad_input(std::string("cannot compute with tensors of type ") + name_of(type));
}

DType dtype_of(at::ScalarType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (theirs == type) return ours;
  }
  throw Error(std::string("cannot store tensors of type ") + at::toString(type));
}

at::Tensor tensor_over(const TensorSpec& spec, std::span<const std::byte> values, std::shared_ptr<const void> owner) {
  if (reinterpret_cast<std::uintptr_t>(values.data()) % size_of(spec.type) != 0) {
    at::Tensor copy = at::empty(spec.shape, scalar_type(spec.type));
    std::memcpy(copy.mutable_data_ptr(), values.data(), values.size());
    return copy;
  }
  // from_blob() requires a writable pointer, but nothing writes through it.
  return at::from_blob(
      const_cast<std::byte*>(values.data()), spec.shape, [owner = std::move(owner)](void*) {},
      at::TensorOptions(scalar_type(spec.type)));
}

bool is_finite(const at::Tensor& values) {
  if (!values.is_floating_point() || values.numel() == 0) return true;
  const DType type = dtype_of(values.scalar_type());
  if (values.is_cpu() && values.is_contiguous() && has_finite_kernel(type)) {
    std::atomic<bool> finite{true};
    in_pieces(values.numel(), [&](std::int64_t begin, std::int64_t end) {
      const std::byte* first = bytes_of(values).data() + begin * static_cast<std::int64_t>(size_of(type));
      if (!finite_kernel(type, first, static_cast<std::size_t>(end - begin))) finite = false;
    });
    return finite;
  }
  const auto [low, high] = at::aminmax(values);  // NaN, if there is one
  return std::isfinite(low.item<double>()) && std::isfinite(high.item<double>());
}

bool copy_finite(const at::Tensor& from, const at::Tensor& to) {
  const at::Tensor flat_from = from.reshape(-1), flat_to = to.view(-1);
  std::atomic<bool> finite{true};
  in_pieces(flat_to.numel(), [&](std::int64_t begin, std::int64_t end) {
    const at::Tensor values = flat_to.slice(0, begin, end);
    values.copy_(flat_from.slice(0, begin, end));
    if (!is_finite(values)) finite = false;
  });
  return finite;
}

Error not_finite(const std::string& name, const std::string& doing) {
  return bad_input(doing).with("tensor", excerpt(name, 200)).wanted("finite numbers").found("NaN or infinity");
}

void require_finite(const at::Tensor& values, const std::string& name, const std::string& doing) {
  if (!is_finite(values)) throw not_finite(name, doing);
}

std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

TensorSpec spec_of(const std::string& name, const at::Tensor& tensor) {
  return {name, dtype_of(tensor.scalar_type()), tensor.sizes().vec()};
}

}  // namespace lethe
