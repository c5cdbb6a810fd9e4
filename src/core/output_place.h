// Where results go: the places of outputs, and whether something can be written there, asked before the work.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// Where an output folder will lie: absolute, without "." and "..", links of its parents followed.
std::filesystem::path output_place(const std::filesystem::path& given);
/// The path of an output folder, as given but for a slash at its end.
/// @throws Error (bad input) if it holds something, is a file, a link or a mount point; (usage) if it is empty
std::filesystem::path checked_output_folder(const std::filesystem::path& given);

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
