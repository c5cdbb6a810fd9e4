// Names of unfinished folders, and free names.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// The first of NAME + ENDING, NAME + ENDING + "-2", NAME + ENDING + "-3", … that does not exist and has no unfinished
/// run. A slash at the end of NAME is dropped.
std::filesystem::path free_name(const std::filesystem::path& name, const std::string& ending = "");
/// OUT.unfinished.
std::filesystem::path unfinished_name(const std::filesystem::path& final_path);

/// For commands that need a finished run. Any other folder passes, also one that does not exist.
/// @param doing  of the error: "cannot attack runs/opt"
/// @throws Error (bad input) that says how to go on, if this run is unfinished, or if this is its OUT.unfinished
void refuse_unfinished(const std::filesystem::path& run, const std::string& doing);

}  // namespace lethe
