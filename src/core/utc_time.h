// The time of a record, in UTC.
#pragma once

#include <array>
#include <chrono>
#include <string>

namespace lethe {

/// "2026-11-30T07:05:00Z"
std::string utc_time(std::chrono::system_clock::time_point time = std::chrono::system_clock::now());
/// The same, ended by a zero, without allocating memory.
std::array<char, 32> utc_time_characters(std::chrono::system_clock::time_point time = std::chrono::system_clock::now());

}  // namespace lethe
