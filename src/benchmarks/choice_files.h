// Finds the files of WMDP and MMLU in the layouts in which they are published.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lethe {

/// One file of questions.
struct ChoiceFile {
  std::filesystem::path path;
  std::string set;         ///< WMDP: bio, chem or cyber; else "": the questions' own subject
  std::string subject;     ///< for questions that name none; may be ""
  bool has_header = true;  ///< false: a CSV of MMLU's authors, whose first line is a question
};

/// @param name   wmdp or mmlu
/// @param place  a folder, or one file
/// @throws Error (bad input) if there is none
std::vector<ChoiceFile> choice_files(const std::string& name, const std::filesystem::path& place);

}  // namespace lethe
