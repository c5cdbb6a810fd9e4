// What will keep a run from a verdict, known before its work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/verdict_bounds.h"

namespace lethe {

/// What a run is going to evaluate and to train.
struct VerdictOutlook {
  bool evaluates = true;                  ///< at all
  std::size_t unseen = 0, normal = 0;     ///< prompts that there are, of which at most `most` are evaluated
  std::size_t most = 0;                   ///< evaluation.prompts
  bool compares = true;                   ///< with an original; otherwise damage is not known anyway
  std::size_t steps = 0, safe_steps = 0;  ///< of stage 1, and of contrast's second training; 0: there is none
};

/// One sentence a reason, each with what to change; none if a verdict is possible.
std::vector<std::string> verdict_obstacles(const VerdictOutlook& outlook, const VerdictBounds& bounds = {});

enum class PromptKind : std::uint8_t { unseen, normal };
/// What to change where so few prompts of a kind were evaluated: "Set evaluation.prompts=20 or more."
/// @param most  evaluation.prompts; 0: unknown
std::string more_prompts(PromptKind kind, std::size_t evaluated, std::size_t most, std::size_t needed);

/// "stage 1 took 4 steps only, at least 10 are needed …"; empty if there are enough, or none.
/// @param safe  of contrast's second training
/// @param took  the verb
std::string too_few_steps(std::size_t steps, bool safe, const std::string& took, const VerdictBounds& bounds);

}  // namespace lethe
