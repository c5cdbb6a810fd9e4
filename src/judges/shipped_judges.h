// The judges that come with the program (recipes/judges/*.yaml), by name and from anywhere.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace lethe {

/// Where programs of this kind of layout have them: beside the folder of a build, or in share/lethe of an installation.
/// @param program  the folder of the program; empty: of the one that runs
/// @return         names ("llama-guard-3") and files; empty if none are found
std::map<std::string, std::filesystem::path> shipped_judges(const std::filesystem::path& program = {});

/// A judge's name as a path: "llama-guard-3:dtype=bfloat16" becomes ".../llama-guard-3.yaml:dtype=bfloat16" if no file
/// is called so and such a judge is shipped; anything else stays as it is.
std::string judge_path(const std::string& name);

/// What `--judge` may say, for messages: "refusal, beaver-dam, …, or a file".
std::string judge_names();

}  // namespace lethe
