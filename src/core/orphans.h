// Temporary folders left behind by killed commands.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// The beginning of the names of temporary folders for `name`; random letters follow.
std::string staging_prefix(const std::filesystem::path& name);
/// Removes the folders with this prefix that killed commands left in `parent`.
void remove_orphans(const std::filesystem::path& parent, const std::string& prefix);

}  // namespace lethe
