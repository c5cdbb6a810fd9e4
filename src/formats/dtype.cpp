#include "formats/dtype.h"

#include <array>
#include <ranges>

#include "core/join.h"

namespace lethe {
namespace {

struct Row {
  DType type;
  const char* name;
  std::size_t size;
  bool floating;
};
constexpr std::array<Row, 15> kTypes = {{{DType::boolean, "BOOL", 1, false},
                                         {DType::u8, "U8", 1, false},
                                         {DType::i8, "I8", 1, false},
                                         {DType::u16, "U16", 2, false},
                                         {DType::i16, "I16", 2, false},
                                         {DType::u32, "U32", 4, false},
                                         {DType::i32, "I32", 4, false},
                                         {DType::u64, "U64", 8, false},
                                         {DType::i64, "I64", 8, false},
                                         {DType::f8_e4m3, "F8_E4M3", 1, true},
                                         {DType::f8_e5m2, "F8_E5M2", 1, true},
                                         {DType::f16, "F16", 2, true},
                                         {DType::bf16, "BF16", 2, true},
                                         {DType::f32, "F32", 4, true},
                                         {DType::f64, "F64", 8, true}}};

const Row& row(DType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

}  // namespace

std::size_t size_of(DType type) {
  return row(type).size;
}
const char* name_of(DType type) {
  return row(type).name;
}
bool is_floating(DType type) {
  return row(type).floating;
}

std::optional<DType> dtype_named(std::string_view name) {
  for (const Row& known : kTypes) {
    if (name == known.name) return known.type;
  }
  return std::nullopt;
}

std::uint64_t TensorSpec::count() const {
  std::uint64_t product = 1;
  for (const std::int64_t extent : shape) product *= static_cast<std::uint64_t>(extent);
  return product;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  const auto extents = shape | std::views::transform([](std::int64_t extent) { return std::to_string(extent); });
  return "[" + join(extents, ", ") + "]";
}

std::string TensorSpec::text() const {
  return std::string(name_of(type)) + " " + shape_text(shape);
}

}  // namespace lethe
