// Writing to what stays what it is: devices, pipes, open descriptors.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/descriptor.h"

namespace lethe {

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
