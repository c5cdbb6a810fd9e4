// Whether something can be written at a place, asked before the work whose result goes there.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// Whether a file or folder of this name can be made: the nearest folder above it that exists is one, and this user may
/// write there. Nothing is made.
/// @throws Error (bad input) naming that folder and the system's reason
void check_parent_folder(const std::filesystem::path& path);

/// The same, for a result that replaces or writes to `path`, whose folder must be there. "-", devices and pipes are
/// left to whoever opens them.
/// @param input  what the result is made from; empty: nothing that must be kept
/// @throws Error (bad input) as check_parent_folder(), and if `path` is a folder, not writable, the input itself, or
/// its
///         folder missing
void check_output_file(const std::string& path, const std::string& input = "");

/// Makes the folders above `path`. @throws Error (bad input) naming the folder that could not be made, and why
void make_parent_folders(const std::filesystem::path& path);

}  // namespace lethe
