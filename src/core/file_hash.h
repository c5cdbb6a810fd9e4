// A hash of a file's content, to tell whether it is still the same.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// 16 hexadecimal digits over all bytes (stable_hash; against accidents, not against an adversary). Read in pieces: a
/// file may be larger than memory. @throws Error (bad input) if it cannot be read
std::string file_hash(const std::filesystem::path& path);

}  // namespace lethe
