// Writes in place to devices, pipes and open descriptors.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/descriptor.h"

namespace lethe {

/// The target of a path's links; the name of an open descriptor stays unchanged.
/// @throws Error (bad input) if the links form a cycle
std::filesystem::path output_target(const std::filesystem::path& path);

/// Opens a device, a pipe or an open descriptor for writing in place. Waits for the reader of a pipe, until the user
/// interrupts. @return no descriptor if the path names a regular file, or nothing yet
/// @throws Error (bad input) if it cannot be opened
Descriptor open_in_place(const std::filesystem::path& path);

/// Writes to a pipe, a device or a file, in pieces that an interrupt can stop.
/// @return 0, or the errno of what failed
int write_pieces(int descriptor, std::string_view content);

}  // namespace lethe
