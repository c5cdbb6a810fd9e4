// The number types of safetensors files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lethe {

enum class DType { boolean, u8, i8, u16, i16, u32, i32, u64, i64, f8_e4m3, f8_e5m2, f16, bf16, f32, f64 };

/// Bytes of one value.
std::size_t size_of(DType type);
/// Its name in files: "BF16".
const char* name_of(DType type);
std::optional<DType> dtype_named(std::string_view name);
/// Whether arithmetic on weights of this type makes sense (integers and booleans are tables and masks).
bool is_floating(DType type);

/// "[10240, 2560]"
std::string shape_text(std::span<const std::int64_t> shape);

/// A tensor's name, type and shape, as in the header.
struct TensorSpec {
  std::string name;
  DType type = DType::f32;
  std::vector<std::int64_t> shape;

  std::uint64_t count() const;
  std::uint64_t bytes() const { return count() * size_of(type); }
  /// "F16 [10240, 2560]"
  std::string text() const;
};

}  // namespace lethe
