// Rows of a step with safe answers for their harmful prompts, drawn anew for each row and micro-batch.
#pragma once

#include <cstdint>
#include <functional>

#include "data/plan.h"
#include "data/safe_answers.h"
#include "objectives/responses.h"

namespace lethe {

/// Safe answers in place of the harmful ones. `safe` and `examples` outlive the result.
///
/// How many tokens a prompt takes depends on what follows it. A row whose answer has no token left within
/// data.max_length is left out of its micro-batch. @throws Error (bad input), when called, if no row is left
std::function<StepRows(std::uint64_t)> with_safe_answers(std::function<StepRows(std::uint64_t)> rows,
                                                         const SafeAnswers& safe, const ExampleMaker& examples,
                                                         std::uint64_t seed);

/// A safe answer beside each harmful one, as the row's only random response: the preferred answer of a method that
/// compares both. As with_safe_answers() else.
std::function<StepRows(std::uint64_t)> with_preferred(std::function<StepRows(std::uint64_t)> rows,
                                                      const SafeAnswers& safe, const ExampleMaker& examples,
                                                      std::uint64_t seed);

}  // namespace lethe
