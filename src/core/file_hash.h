// A hash of a file's content, to detect changes.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// 16 hexadecimal digits over all bytes (stable_hash: detects accidents, not an adversary). Reads in pieces, since a
/// file may be larger than memory. @throws Error (bad input) if it cannot be read
std::string file_hash(const std::filesystem::path& path);
/// The hashes of all weight files (.safetensors, .bin) under a folder, one after the other in the order of their names.
std::string weights_hash(const std::filesystem::path& folder);
/// The same of all files that configure a model or its tokenizer (.json, .txt, .model, .jinja).
std::string settings_hash(const std::filesystem::path& folder);

}  // namespace lethe
