// The judge of a run: one that was trained before, or one trained on this run's own held-out answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/columns.h"
#include "judges/classifier.h"

namespace lethe {

/// Labels for a text classifier. Harmful: harmful responses that do not refuse; harmless: normal responses, and harmful
/// ones that refuse (a safe/unsafe label alone trains no usable judge: docs/method.md).
std::vector<LabelledResponse> label_responses(const std::vector<Pair>& harmful, const std::vector<Pair>& harmless);

/// @param name      "refusal", a judge file, or "classifier": trained on these pairs
/// @param harmful, normal  pairs that were not trained on; with fewer than 10 of a kind a classifier cannot be trained
std::unique_ptr<Judge> judge_for_run(const std::string& name, const std::vector<Pair>& harmful,
                                     const std::vector<Pair>& normal, std::uint64_t seed);

}  // namespace lethe
