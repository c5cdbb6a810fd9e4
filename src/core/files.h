// Whole files: read at once, and replaced at once.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/file_writer.h"

namespace lethe {

/// Reads a whole file. @throws Error (bad input) naming the path if it is missing, a folder, or cannot be read
std::string read_file(const std::filesystem::path& path);

/// Writes a whole file: the old content or the new, never half of it. It is written without a name, so that a process
/// that is killed leaves nothing (a file ".lethe-partial-…" where the file system has no such files). A link of that
/// name is replaced, not followed: for what the user named, there is write_output().
void write_file(const std::filesystem::path& path, std::string_view content, Access access = Access::normal);

}  // namespace lethe
