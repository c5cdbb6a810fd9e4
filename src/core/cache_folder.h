// The user's cache folder: what can be computed again.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// $XDG_CACHE_HOME/lethe/NAME if that is an absolute path, else ~/.cache/lethe/NAME; empty without a home. Creates
/// nothing.
std::filesystem::path cache_folder(const std::string& name);

/// Creates the folder, and the parts of its path that are missing, for their owner alone (mode 0700).
/// @return whether it is one that only this user can read and write; false if it is a link or somebody else's
/// @throws Error (bad input) if it cannot be created
bool make_private_folder(const std::filesystem::path& folder);

}  // namespace lethe
