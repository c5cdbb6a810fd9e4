// What a folder gets when it is whole: its final name, and the mode of any other folder.
#pragma once

#include <filesystem>

namespace lethe {

/// Renames a whole folder, and makes both its content and its new name last (fsync).
void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to);
/// Gives a folder that is at work (0700) the mode of any folder the user makes.
void open_to_others(const std::filesystem::path& folder);

}  // namespace lethe
