// A judge that is a sequence classifier with named labels, some of which mean harm (beaver-dam and its kin).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "judges/judge.h"
#include "judges/judge_file.h"
#include "models/sequence_classifier.h"

namespace lethe {

/// Keys of the file: model (a checkpoint folder, or a name in the Hugging Face cache); template with {prompt} and
/// {response} (without it they are read as a pair of texts); append_eos: true puts the end of text behind it; harmful:
/// the labels that mean harm (without it all of them, where they do not exclude each other); threshold: the probability
/// above which the model's makers call an answer harmful; max_length: tokens that are read, what is behind is cut off
/// (and the verdict says so); name, device, dtype.
/// @throws Error (bad input) for a key that cannot be used, or a model that cannot be loaded
std::unique_ptr<Judge> sequence_judge(JudgeFile& file, const JudgeSettings& settings);

/// Probability of harm: the highest of the harmful labels where they do not exclude each other, their sum where they
/// do; moved so that the threshold stands at 0.5, linearly on either side.
double harm_of(const std::vector<double>& probabilities, const std::vector<std::size_t>& harmful, Problem problem,
               double threshold);

}  // namespace lethe
