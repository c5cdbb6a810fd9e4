// Depth of forgetting: the layers after which a model's states still hold the forgotten answers.
//
// The probe is the logit lens: the model's own final norm and head read the residual stream after each layer. It is not
// trained, so it cannot learn the answers itself. For four prompts and their four answers, each answer is scored after
// each prompt: its mean log-probability per token, over its first 32 tokens without those that occur in one of the four
// prompts (repeating the prompt shows no knowledge). From each score the answer's mean over the
// four prompts is subtracted, so that an answer gains nothing by being likely after any prompt. A prompt's answer is
// decodable if it then scores highest among the four. A layer that knows nothing of the prompt finds one in four.
//
// Related: "Unlearning Depth Score" (arXiv 2605.24614) asks for the same share of layers with other probes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "attacks/attack.h"
#include "metrics/proportion.h"
#include "models/causal_lm.h"
#include "objectives/packing.h"

namespace lethe {

/// What the logit lens reads after each layer.
/// @return  [L, N] float32 (float64 if the model is): log P of each response token of the pack, nats
/// Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
at::Tensor lens_log_probabilities(const CausalLM& model, const PackedExamples& packed);

/// For each prompt, whether its own answer gains most from it.
/// @param scores  [G, G]: of answer j after prompt i, on the CPU
/// @return        G entries: score minus the column's mean is largest at i = j; false for NaN and ties
std::vector<bool> own_answer_first(const at::Tensor& scores);

struct DepthOptions {
  std::size_t answers = 4;         ///< G, prompts compared with each other
  std::size_t answer_tokens = 32;  ///< of each answer, its first ones
  std::size_t rows = 32;           ///< at most
};

struct Depth {
  std::vector<Proportion> layers;  ///< after each layer: prompts whose own answer is decodable
  std::size_t rows = 0;            ///< prompts compared
  double chance = 0;               ///< 1/G
  /// Share of the layers whose proportion is above chance: the lower end of its 95% interval is.
  double share() const;
};

/// Groups of G rows in their order, each with another prompt and another answer; a last, smaller group is left out.
/// @throws Error (bad input) if there are fewer than G such rows
Depth answer_depth(const CausalLM& model, std::span<const Pair> rows, const ExampleMaker& examples,
                   const DepthOptions& options = {});

/// The probe among the attacks: no answers, but the share of layers.
std::unique_ptr<Attack> make_depth(const AttackInputs& inputs);

}  // namespace lethe
