// The names of folders that are at work, and of those that give way to others.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// The first of NAME + ENDING, NAME + ENDING + "-2", NAME + ENDING + "-3", … where nothing lies, nor an unfinished run;
/// a slash at the end of NAME is left out.
std::filesystem::path free_name(const std::filesystem::path& name, const std::string& ending = "");
/// OUT.unfinished.
std::filesystem::path unfinished_name(const std::filesystem::path& final_path);

}  // namespace lethe
