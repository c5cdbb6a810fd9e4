// Harmless answers that Lethe teaches every text classifier it trains, beside the run's own data.
#pragma once

#include <string>
#include <vector>

namespace lethe {

/// The probe's lessons that are harmless (refusals, instructions, facts, short answers), and advice and facts on
/// everyday topics in the length and style of an assistant (assets/probe/lessons.json: forms of advice × topics).
/// Without them a classifier learns the style of its harmful data, and calls every long answer harmful.
std::vector<std::string> house_lessons();

}  // namespace lethe
