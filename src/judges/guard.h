// A guard model as a judge, run by our own engine: a causal model that is asked in its own format whether an answer is
// safe, and whose next word is read.
#pragma once

#include <memory>

#include "judges/judge.h"
#include "judges/judge_file.h"

namespace lethe {

/// Keys of the file: model (a checkpoint folder, or a name in the Hugging Face cache); template with {prompt} and
/// {response}; unsafe, safe: words that the model may go on with, as they stand behind the template (" unsafe" begins
/// with a blank); policies: {name: text} for {policy} in the template, asked one by one, the most harmful counts;
/// category_tokens: how much of the line behind the first word to read where the answer is unsafe; longest: tokens;
/// least_mass; name, device, dtype, batch_tokens.
///
/// harm = Σ exp(logit of the first tokens of unsafe) / Σ exp(the same of unsafe and safe). Where both groups together
/// hold less than least_mass of the model's next word, the answer could not be judged; nor where it does not fit.
/// @throws Error (bad input) for a key that cannot be used, or a model that cannot be loaded
std::unique_ptr<Judge> guard_judge(JudgeFile& file, const JudgeSettings& settings);

}  // namespace lethe
