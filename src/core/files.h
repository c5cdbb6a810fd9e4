// Reads whole files, and replaces them atomically.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/file_writer.h"

namespace lethe {

/// Reads a whole file. @throws Error (bad input) naming the path if it is missing, a folder, or cannot be read
std::string read_file(const std::filesystem::path& path);

/// Replaces a file atomically: it has the old content or the new. The data go into an unnamed file first, so a killed
/// process leaves nothing behind (or ".lethe-partial-…" if the file system has no unnamed files). A link is replaced,
/// not followed; use write_output() for paths named by the user.
void write_file(const std::filesystem::path& path, std::string_view content, Access access = Access::normal);

}  // namespace lethe
