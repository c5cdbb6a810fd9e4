// Results that the user named a place for: `--output FILE`.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/descriptor.h"

namespace lethe {

/// Writes a whole result. A file, or the file that a link leads to, is replaced by the new content or stays as it is
/// (write_file()). A device, a pipe, /dev/stdout and /dev/fd/N are written to, and stay what they are; a pipe that its
/// reader closed takes no more, which is no error. "-" is standard output.
/// @throws Error naming the path and the system's reason; also if standard output was closed
void write_output(const std::string& path, std::string_view content);

/// Where the links of a path lead; a name of an open descriptor stays what it is.
/// @throws Error (bad input) if they lead round in a circle
std::filesystem::path output_target(const std::filesystem::path& path);

/// Opens what must be written to in place: a device, a pipe, an open descriptor. Waits for the reader of a pipe, until
/// the user interrupts. @return no descriptor where the path names a regular file, or nothing yet
/// @throws Error (bad input) if it cannot be opened
Descriptor open_in_place(const std::filesystem::path& path);

/// Writes to a pipe, a device or a file, in pieces that an interrupt can stop.
/// @return 0, or the errno of what failed
int write_pieces(int descriptor, std::string_view content);

}  // namespace lethe
