// Results that the user named a place for: `--output FILE`.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// Writes a whole result. A file, or the file that a link leads to, is replaced by the new content or stays as it is
/// (write_file()). A device, a pipe, /dev/stdout and /dev/fd/N are written to, and stay what they are; a pipe that its
/// reader closed takes no more, which is no error. "-" is standard output.
/// @throws Error naming the path and the system's reason; also if standard output was closed
void write_output(const std::string& path, std::string_view content);

}  // namespace lethe
