// Fuzz targets: one function for each file format that Lethe reads from the internet. Each takes any bytes and may
// throw only lethe::Error. Another exception, a crash, a sanitizer report or a hang is a defect.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lethe {

struct FuzzTarget {
  std::string_view name;  ///< its corpus is in fuzz/corpus/NAME
  void (*read)(std::span<const std::uint8_t> bytes);
};

std::span<const FuzzTarget> fuzz_targets();

/// Runs the target on the bytes.
/// @return false if the target refused them (lethe::Error). If LETHE_FUZZ_SAY is set, prints the reason
bool accepts(const FuzzTarget& target, std::span<const std::uint8_t> bytes);

}  // namespace lethe
