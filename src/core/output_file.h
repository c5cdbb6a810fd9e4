// Writes results to the path given by the user: `--output FILE`.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// Writes a whole result. A file, or the target of a link, is replaced atomically (write_file()). Devices, pipes,
/// /dev/stdout and /dev/fd/N are written in place. It is not an error if the reader closes a pipe. "-" is standard
/// output.
/// @throws Error naming the path and the system's reason; also if standard output was closed
void write_output(const std::string& path, std::string_view content);

}  // namespace lethe
