// Resolves output paths, and checks before the work that they can be written.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// The resolved path of an output folder: absolute, without "." and "..", links of its parents followed.
std::filesystem::path output_place(const std::filesystem::path& given);
/// The path of an output folder, as given, without a slash at its end.
/// @throws Error (bad input) if the folder is not empty, is a file, a link or a mount point; (usage) if the path is
/// empty
std::filesystem::path checked_output_folder(const std::filesystem::path& given);

/// Checks that a file or folder of this name can be made: its nearest existing parent is a folder that this user may
/// write to. Creates nothing.
/// @throws Error (bad input) naming that folder and the system's reason
void check_parent_folder(const std::filesystem::path& path);

/// Like check_parent_folder(), for a result that replaces or writes to `path`, whose folder must exist. "-", devices
/// and pipes are not checked.
/// @param input  the input of the result, which must be kept; empty: none
/// @throws Error (bad input) as check_parent_folder(), and if `path` is a folder, not writable, the input itself, or
/// its folder is missing
void check_output_file(const std::string& path, const std::string& input = "");

/// Makes the folders above `path`. @throws Error (bad input) naming the folder that could not be made, and why
void make_parent_folders(const std::filesystem::path& path);

}  // namespace lethe
