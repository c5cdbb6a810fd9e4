// Why the system refused to work with a file, as an error for the user.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

class Error;

/// "cannot DOING PATH" with the system's reason and what to do.
/// @param number  errno; no space and a failing disk are the machine's fault (exit status 1), the rest the input's (3)
Error file_error(const std::string& doing, const std::filesystem::path& path, int number);

}  // namespace lethe
