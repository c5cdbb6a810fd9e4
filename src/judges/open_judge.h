// Judges by name: what a recipe's `evaluation.judge` or `--judge` may say.
#pragma once

#include <memory>
#include <string>

#include "judges/judge.h"

namespace lethe {

/// Opens "refusal", or the file that `lethe judge train` wrote (or its folder).
/// @throws Error (bad input) if the file is missing or broken
std::unique_ptr<Judge> open_judge(const std::string& name);

}  // namespace lethe
