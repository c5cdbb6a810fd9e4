// Parses numbers from users and files, and prints hashes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lethe {

/// The whole text as one finite decimal number ("0.5", "-3", "1e-4"), or nothing.
std::optional<double> parse_number(std::string_view text);
/// The whole text as one whole number, or nothing.
std::optional<std::int64_t> parse_whole_number(std::string_view text);

/// Sixteen hexadecimal digits.
std::string hex_text(std::uint64_t value);

}  // namespace lethe
