// What reads files that come from the internet, one function a format: any bytes in. Nothing but lethe::Error may come
// out: another exception, a crash, a sanitizer's report or a hang is a defect.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lethe {

struct FuzzTarget {
  std::string_view name;  ///< its corpus lies in fuzz/corpus/NAME
  void (*read)(std::span<const std::uint8_t> bytes);
};

std::span<const FuzzTarget> fuzz_targets();

/// Reads the bytes as the target does.
/// @return false if they were refused (lethe::Error); the environment's LETHE_FUZZ_SAY has the reason printed
bool accepts(const FuzzTarget& target, std::span<const std::uint8_t> bytes);

}  // namespace lethe
