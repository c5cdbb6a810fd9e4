// A soft prompt: free input vectors before the prompt, trained so that a frozen model gives the harmful answers.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "attacks/attack.h"
#include "models/causal_lm.h"
#include "prompts/template.h"

namespace lethe {

struct SoftPromptOptions {
  std::int64_t vectors = 20;
  std::int64_t steps = 64;
  std::int64_t batch = 8;  ///< rows of a step
  double lr = 0.1;         ///< Adam's, as a share of the embedding's root mean square
  std::uint64_t seed = 8888;
};

/// The ids of model.soft_prompt, followed by these, cut at the model's positions.
std::vector<int> after_soft_prompt(const CausalLM& model, std::span<const int> ids);
/// Rows that begin with model.soft_prompt. Rows whose answer no longer fits into the model's positions are left out.
std::vector<Example> after_soft_prompt(const CausalLM& model, std::span<const Example> rows);

/// Mean cross-entropy of all response tokens, nats, with gradient for model.soft_prompt if that requires it.
/// @param rows  of after_soft_prompt(), at least one
at::Tensor soft_prompt_loss(const CausalLM& model, std::span<const Example> rows);

struct SoftPrompt {
  at::Tensor vectors;          ///< [n, E] in the embedding's place, for model.soft_prompt; float32, or float64
  std::vector<double> losses;  ///< of each step, nats: mean cross-entropy of the batch before the step
};

/// Trains the vectors with Adam, from the embeddings of tokens drawn at random. The model's weights stay as they are,
/// to the bit; model.soft_prompt is undefined afterwards.
/// @param rows  prompts with harmful answers, as tokens
/// @throws Error (bad input) if no row fits into the model's positions
/// Source: Lester et al. 2021 (prompt tuning); Schwinn et al. 2024 (arXiv 2402.09063) as an attack on unlearning.
SoftPrompt train_soft_prompt(CausalLM& model, std::span<const Example> rows, const SoftPromptOptions& options);

/// The attack: 20 vectors at two learning rates, then the answers to the held-out prompts behind them.
std::unique_ptr<Attack> make_soft_prompt(const AttackInputs& inputs);

}  // namespace lethe
