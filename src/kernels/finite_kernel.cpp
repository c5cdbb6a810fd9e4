#include "kernels/finite_kernel.h"

#include <cstdint>

namespace lethe {
namespace {

// NaN and infinities have all exponent bits set. Values are read as integers, which the compiler vectorises (-O3).
template <class Bits>
bool exponents_are_finite(const std::byte* values, std::size_t count, Bits exponent) {
  const auto* bits = reinterpret_cast<const Bits*>(values);
  Bits found = 0;
  for (std::size_t i = 0; i < count; ++i) found |= (bits[i] & exponent) == exponent ? Bits(1) : Bits(0);
  return found == 0;
}

}  // namespace

bool has_finite_kernel(DType type) {
  return type == DType::bf16 || type == DType::f16 || type == DType::f32;
}

bool finite_kernel(DType type, const std::byte* values, std::size_t count) {
  if (type == DType::bf16) return exponents_are_finite<std::uint16_t>(values, count, 0x7F80);
  if (type == DType::f16) return exponents_are_finite<std::uint16_t>(values, count, 0x7C00);
  return exponents_are_finite<std::uint32_t>(values, count, 0x7F800000);
}

}  // namespace lethe
