// The judges that come with the program (recipes/judges/*.yaml), by name and from anywhere.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace lethe {

/// Finds the shipped judges: next to the build folder, or in share/lethe of an installation.
/// @param program  the folder of the program; empty: of the running one
/// @return         names ("llama-guard-3") and files; empty if none are found
std::map<std::string, std::filesystem::path> shipped_judges(const std::filesystem::path& program = {});

/// A judge's name as a path: "llama-guard-3:dtype=bfloat16" becomes ".../llama-guard-3.yaml:dtype=bfloat16" if no such
/// file exists and the judge is shipped; otherwise unchanged.
std::string judge_path(const std::string& name);

/// The possible values of `--judge`, for messages: "refusal, beaver-dam, …, or a file".
std::string judge_names();

}  // namespace lethe
