// 16-bit floating point without the engine: bfloat16 and IEEE half to float32 and back, rounded to nearest even.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace lethe {

inline float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

inline std::uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto rounded = static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
  const auto quiet_nan = static_cast<std::uint16_t>((bits >> 16) | 0x40);
  return (bits & 0x7FFFFFFF) > 0x7F800000 ? quiet_nan : rounded;
}

inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t rest = static_cast<std::uint32_t>(half & 0x7FFF) << 13;
  const bool special = (half & 0x7C00) == 0x7C00;
  // Scaling by 2^112 turns half's exponent bias into float's and makes subnormals normal.
  const float scaled = std::bit_cast<float>(rest) * 0x1p112f;
  const std::uint32_t magnitude = special ? (rest | 0x7F800000) : std::bit_cast<std::uint32_t>(scaled);
  return std::bit_cast<float>(sign | magnitude);
}

inline std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return static_cast<std::uint16_t>(sign | 0x7E00);   // NaN
  if (magnitude >= 0x477FF000) return static_cast<std::uint16_t>(sign | 0x7C00);  // rounds to infinity
  if (magnitude < 0x38800000) {                                                   // subnormal half
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;                 // the addition rounds
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000));
  }
  const std::uint32_t rounded = magnitude + 0xFFF + ((magnitude >> 13) & 1) - 0x38000000;
  return static_cast<std::uint16_t>(sign | (rounded >> 13));
}

}  // namespace lethe
