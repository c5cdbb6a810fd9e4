// The rows of each training step, drawn by the sampler or, for comparisons, fixed by a plan file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/pairs.h"

namespace lethe {

/// One step's rows. random[i] holds the k responses drawn for harmful[i] (empty if the method needs none).
struct StepRows {
  std::vector<Pair> harmful;
  std::vector<std::vector<std::string>> random;
  std::vector<Pair> normal;

  bool operator==(const StepRows&) const = default;
};

/// Reads a plan (.jsonl), one line per step:
/// {"harmful": [[prompt, response] …], "random": [[k responses] …], "normal": [[prompt, response] …]}. `random` and
/// `normal` are optional. Unlike data, a plan with one bad line is refused, because its steps are numbered.
/// @throws Error (bad input) naming the line, if it is not such an object, or if `random` differs in length from
/// `harmful` or its lists differ in length
std::vector<StepRows> load_plan(const std::filesystem::path& path);

/// A step as a plan line, without the newline.
std::string plan_line(const StepRows& rows);

}  // namespace lethe
