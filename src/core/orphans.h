// Temporary folders that commands left behind when they were killed.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// The beginning of the names of temporary folders for `name`; random letters follow.
std::string staging_prefix(const std::filesystem::path& name);
/// Removes what commands that were killed had staged in `parent` under this prefix.
void remove_orphans(const std::filesystem::path& parent, const std::string& prefix);

}  // namespace lethe
