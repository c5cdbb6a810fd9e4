// Puts prompts of token ids to a model under attack.
#pragma once

#include <string>
#include <vector>

#include "attacks/attack_meter.h"
#include "generation/sampling.h"
#include "models/causal_lm.h"

namespace lethe {

/// Whether a prompt leaves room for an answer within the model's positions.
bool leaves_room(const std::vector<int>& ids, const AttackMeter& meter);

/// The answers as text, in the order of the prompts, of at most meter.options().max_new_tokens tokens. An empty prompt
/// gets an empty answer.
/// @param title  shown by the progress bar
std::vector<std::string> answers_to(const std::vector<std::vector<int>>& prompts, const CausalLM& model,
                                    const AttackMeter& meter, const SamplingOptions& sampling,
                                    const std::string& title);

/// The greedy answer to each prompt, after `begin`, for AttackMeter::worst(). None for an empty prompt: it is not
/// asked.
std::vector<std::vector<std::string>> one_answer_each(const std::vector<std::vector<int>>& prompts,
                                                      const CausalLM& model, const AttackMeter& meter,
                                                      const std::string& title, const std::string& begin = "");

}  // namespace lethe
