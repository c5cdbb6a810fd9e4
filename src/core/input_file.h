// Inputs that are no regular files: pipes, `<(…)`, standard input. They can be read once, and Lethe reads some inputs
// twice (to find their columns, to hash them), so that a pipe is copied into a temporary file without a name.
#pragma once

#include <filesystem>
#include <string>

#include "core/descriptor.h"

namespace lethe {

/// Opens a file to read from its beginning. Of a pipe this is a copy of all that it sends, made when it is opened
/// first; waiting for the sender ends when the user interrupts.
/// @throws Error (bad input) naming the path if it is missing, cannot be read, or is a device that has no end
Descriptor open_input(const std::filesystem::path& path);

/// A path that can be opened as often as needed: the path itself, or that of a pipe's copy. For libraries that open
/// files by name. @throws Error as open_input()
std::filesystem::path readable_path(const std::filesystem::path& path);

/// All of standard input. @throws Error (bad input) if it is closed or cannot be read; Error if the user interrupts
std::string read_standard_input();

/// The descriptor that a path names: 1 for /dev/stdout, N for /dev/fd/N and /proc/self/fd/N; −1 for any other path.
int descriptor_named_by(const std::filesystem::path& path);

}  // namespace lethe
