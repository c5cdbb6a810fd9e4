// A hash of a file's content, to detect changes.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// 16 hexadecimal digits over all bytes (stable_hash: detects accidents, not an adversary). Reads in pieces, since a
/// file may be larger than memory. @throws Error (bad input) if it cannot be read
std::string file_hash(const std::filesystem::path& path);

}  // namespace lethe
