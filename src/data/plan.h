// The rows of each training step: what the sampler draws, or what a plan file fixes for comparisons.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/pairs.h"

namespace lethe {

/// One step's rows. random[i] holds the k responses drawn for harmful[i] (empty lists where no method needs them).
struct StepRows {
  std::vector<Pair> harmful;
  std::vector<std::vector<std::string>> random;
  std::vector<Pair> normal;

  bool operator==(const StepRows&) const = default;
};

/// Reads a plan (.jsonl): a line a step,
/// {"harmful": [[prompt, response] …], "random": [[k responses] …], "normal": [[prompt, response] …]}.
/// `random` and `normal` may be missing. Unlike data, a plan with one bad line is refused: its steps are numbered.
/// @throws Error (bad input) naming the line: what is no such object, draws for another number of pairs than there are
///   harmful ones, draws of differing number
std::vector<StepRows> load_plan(const std::filesystem::path& path);

/// A step as a line of a plan, without the newline.
std::string plan_line(const StepRows& rows);

}  // namespace lethe
