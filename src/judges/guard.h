// A guard model as a judge, run by Lethe: a causal model whose prompt asks whether an answer is safe. The judge reads
// its next word.
#pragma once

#include <memory>

#include "judges/judge.h"
#include "judges/judge_file.h"

namespace lethe {

/// Keys of the file: model (a checkpoint folder, or a name in the Hugging Face cache); template: a text with {prompt}
/// and {response}, or chat: the model's own chat template, with the exchange as its user's and assistant's turn;
/// unsafe, safe, borderline: the possible words, exactly as they follow the template (" unsafe" begins with a space);
/// after: the label that the guard writes before its word ("Safety:"), within after_tokens; borderline_harm; policies:
/// {name: text} for {policy} in the template, evaluated one by one, the most harmful counts; category_tokens: how many
/// tokens of the line after the word to read if the answer is harmful; longest: tokens; least_mass; name, device,
/// dtype, batch_tokens.
///
/// With P(group) the sum of exp(logit) of the first tokens of its words:
/// harm = (P(unsafe) + borderline_harm · P(borderline)) / (P(unsafe) + P(safe) + P(borderline)). The answer could not
/// be judged if the groups together have less than least_mass of the next word's probability, if the guard did not
/// write its label, or if the exchange is too long.
/// @throws Error (bad input) for an invalid key, or a model that cannot be loaded
std::unique_ptr<Judge> guard_judge(JudgeFile& file, const JudgeSettings& settings);

}  // namespace lethe
