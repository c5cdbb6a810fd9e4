// Opens judges by name, as in a recipe's `evaluation.judge` or `--judge`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "judges/judge.h"

namespace lethe {

/// Checks, before any work, that the file of this judge exists.
/// @param further  additional names that the caller accepts, for the message
/// @throws Error (bad input) listing the available judges
void require_judge(const std::string& name, const std::vector<std::string>& further = {});

/// Opens "refusal", a shipped judge by name (llama-guard-3, llama-guard-3:model=DIR,key=value), a description
/// (guard.yaml, guard.yaml:model=DIR,key=value), or the file that `lethe judge train` wrote (or its folder).
/// @throws Error (bad input) if the file is missing (naming the shipped judges) or broken, or its kind is unknown
std::unique_ptr<Judge> open_judge(const std::string& name, const JudgeSettings& settings = {});

/// Judges by name. Each is opened only once, since a guard model is large.
class OpenJudges {
 public:
  /// @throws Error as open_judge()
  std::shared_ptr<const Judge> get(const std::string& name, const JudgeSettings& settings = {});

 private:
  std::map<std::string, std::shared_ptr<const Judge>> judges_;
};

}  // namespace lethe
