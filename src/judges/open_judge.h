// Judges by name: what a recipe's `evaluation.judge` or `--judge` may say.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "judges/judge.h"

namespace lethe {

/// Whether a judge of this name can be opened at all, asked before any work: its file is there.
/// @param further  names that the caller knows beside these, for the message
/// @throws Error (bad input) listing the judges there are
void require_judge(const std::string& name, const std::vector<std::string>& further = {});

/// Opens "refusal", a shipped judge by name (llama-guard-3, llama-guard-3:model=DIR,key=value), a description
/// (guard.yaml, guard.yaml:model=DIR,key=value), or the file that `lethe judge train` wrote (or its folder).
/// @throws Error (bad input) if the file is missing (naming the shipped judges) or broken, or its kind is not known
std::unique_ptr<Judge> open_judge(const std::string& name, const JudgeSettings& settings = {});

/// Judges by name, each opened once however often it is asked for: a guard model is large.
class OpenJudges {
 public:
  /// @throws Error as open_judge()
  std::shared_ptr<const Judge> get(const std::string& name, const JudgeSettings& settings = {});

 private:
  std::map<std::string, std::shared_ptr<const Judge>> judges_;
};

}  // namespace lethe
