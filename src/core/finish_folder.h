// Finishes an output folder: its final name and normal mode.
#pragma once

#include <filesystem>

namespace lethe {

/// Renames a finished folder, and flushes its content and its new name to disk (fsync).
void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to);
/// Changes the mode of a work folder from 0700 to the user's default.
void open_to_others(const std::filesystem::path& folder);

}  // namespace lethe
