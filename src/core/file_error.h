// Turns a system error on a file into an error for the user.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

class Error;

/// "cannot DOING PATH" with the system's reason and what to do.
/// @param number  errno; no space and disk failure have exit status 1 (machine), all others 3 (input)
Error file_error(const std::string& doing, const std::filesystem::path& path, int number);

}  // namespace lethe
