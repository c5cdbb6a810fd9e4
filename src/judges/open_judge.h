// Opens judges by name, as in a recipe's `evaluation.judge` or `--judge`.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "judges/judge.h"

namespace lethe {

/// Checks, before any work, that the file of this judge exists and that Lethe knows its kind, that the folder of its
/// model exists, and that the environment variable of its key is set. A list of facts is read as well; models are not
/// loaded, and no address is contacted.
/// @param further  additional names that the caller accepts, for the message
/// @throws Error (bad input) listing the available judges, or naming what is wrong with the file
void require_judge(const std::string& name, const std::vector<std::string>& further = {});

/// Opens "refusal", a shipped judge by name (llama-guard-3, llama-guard-3:model=DIR,key=value), a description
/// (guard.yaml, guard.yaml:model=DIR,key=value), or the file that `lethe judge train` wrote (or its folder).
/// @throws Error (bad input) if the file is missing (naming the shipped judges) or broken, or its kind is unknown
std::unique_ptr<Judge> open_judge(const std::string& name, const JudgeSettings& settings = {});

/// Whether such a judge opens and judges within a moment: it loads no language model and asks no server.
/// @throws Error (bad input) as open_judge()
bool is_quick_judge(const std::string& name);

/// The files that this judge is read from, for a run's record: its description or classifier, and its list of facts.
/// Empty if there are none. Models are not among them.
/// @throws Error (bad input) as open_judge()
std::vector<std::filesystem::path> judge_files(const std::string& name);

/// One line of `lethe judge list`.
struct ListedJudge {
  std::string name, kind;
  std::string about;           ///< what it is
  std::string licence;         ///< of the model, or of the method
  std::string needs;           ///< what the user must provide
  std::string source;          ///< where the model or the method is described
  std::filesystem::path file;  ///< its description; empty: built in
};
/// Every judge that can be named: the built-in ones, then the shipped descriptions by name.
/// @throws Error (bad input) if a description is broken
std::vector<ListedJudge> list_judges();

/// Judges by name. Each is opened only once, since a guard model is large.
class OpenJudges {
 public:
  /// @throws Error as open_judge()
  std::shared_ptr<const Judge> get(const std::string& name, const JudgeSettings& settings = {});

 private:
  std::map<std::string, std::shared_ptr<const Judge>> judges_;
};

}  // namespace lethe
