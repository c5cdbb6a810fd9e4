// A sequence classifier with named labels as a judge; some labels mean harm (beaver-dam and similar models).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "judges/judge.h"
#include "judges/judge_file.h"
#include "models/sequence_classifier.h"

namespace lethe {

/// Keys of the file: model (a checkpoint folder, or a name in the Hugging Face cache); template with {prompt} and
/// {response} (without it they are read as a pair of texts); append_eos: true appends the end of text; harmful: the
/// labels that mean harm (default, if labels are not exclusive: all); threshold: the probability above which the
/// model's makers call an answer harmful; max_length: tokens read; the rest is cut off (and the verdict says so); name,
/// device, dtype.
/// @throws Error (bad input) for an invalid key, or a model that cannot be loaded
std::unique_ptr<Judge> sequence_judge(JudgeFile& file, const JudgeSettings& settings);

/// The probability of harm: the sum of the harmful labels if labels are exclusive, else their maximum. Rescaled
/// piecewise linearly so that the threshold maps to 0.5.
double harm_of(const std::vector<double>& probabilities, const std::vector<std::size_t>& harmful, Problem problem,
               double threshold);

}  // namespace lethe
