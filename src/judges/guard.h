// A guard model as a judge, run by Lethe: a causal model whose prompt asks whether an answer is safe. The judge reads
// its next word.
#pragma once

#include <memory>

#include "judges/judge.h"
#include "judges/judge_file.h"

namespace lethe {

/// Keys of the file: model (a checkpoint folder, or a name in the Hugging Face cache); template with {prompt} and
/// {response}; unsafe, safe: the possible next words, exactly as they follow the template (" unsafe" begins with a
/// space); policies: {name: text} for {policy} in the template, evaluated one by one, the most harmful counts;
/// category_tokens: how many tokens of the line after the first word to read if the answer is unsafe; longest: tokens;
/// least_mass; name, device, dtype, batch_tokens.
///
/// harm = Σ exp(logit of the first tokens of unsafe) / Σ exp(the same of unsafe and safe). The answer could not be
/// judged if both groups together have less than least_mass of the next word's probability, or if it is too long.
/// @throws Error (bad input) for an invalid key, or a model that cannot be loaded
std::unique_ptr<Judge> guard_judge(JudgeFile& file, const JudgeSettings& settings);

}  // namespace lethe
