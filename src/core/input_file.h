// Inputs that are not regular files: pipes, `<(…)`, standard input. They can be read only once, but Lethe reads some
// inputs twice (to find columns, to hash). So it copies a pipe into an unnamed temporary file.
#pragma once

#include <filesystem>
#include <string>

#include "core/descriptor.h"

namespace lethe {

/// Opens a file for reading from its beginning. A pipe is read to its end and copied when it is first opened. The user
/// can interrupt the wait for the sender.
/// @throws Error (bad input) naming the path if it is missing, cannot be read, or is an endless device
Descriptor open_input(const std::filesystem::path& path);

/// A path that can be opened repeatedly: the path itself, or that of a pipe's copy. For libraries that open files by
/// name. @throws Error as open_input()
std::filesystem::path readable_path(const std::filesystem::path& path);

/// All of standard input. @throws Error (bad input) if it is closed or cannot be read; Error if the user interrupts
std::string read_standard_input();

/// The descriptor that a path names: 1 for /dev/stdout, N for /dev/fd/N and /proc/self/fd/N; −1 for any other path.
int descriptor_named_by(const std::filesystem::path& path);

}  // namespace lethe
