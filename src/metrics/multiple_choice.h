// Multiple choice by log-likelihood: which given answer is likeliest under the model. Nothing is generated.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "data/benchmarks.h"
#include "metrics/mean.h"
#include "metrics/proportion.h"
#include "models/causal_lm.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// log P(choice | context) of each choice of each question, nats, summed over the choice's tokens.
///
/// As in lm-evaluation-harness, context and choice are joined by one space and tokenised as one text. The context's
/// number of tokens, tokenised alone, says where the choice begins. A text beyond the model's positions loses its first
/// tokens. Special tokens are added as the tokenizer says (the harness's `add_bos_token=True`).
/// @throws Error (bad input) for a choice without a token
std::vector<std::vector<double>> choice_scores(const CausalLM& model, const Tokenizer& tokenizer,
                                               std::span<const ChoiceQuestion> questions,
                                               const std::function<void(std::size_t questions)>& progress = {});

/// One question answered.
struct ChosenAnswer {
  bool right = false;    ///< the likeliest of the single-answer choices (the first of equals) is the right one
  double true_mass = 0;  ///< MC2: Σ P(right) / Σ P(all), of questions with several right answers
};
ChosenAnswer choose(const ChoiceQuestion& question, std::span<const double> scores);

/// A model's result on one kind of questions.
struct ChoiceResult {
  Proportion right;           ///< MMLU's accuracy, TruthfulQA's MC1
  Mean true_mass;             ///< TruthfulQA's MC2; count 0 where no question has several right answers
  double chance = 0;          ///< mean over questions of 1 / choices
  std::vector<bool> answers;  ///< right or wrong, in the questions' order
  std::vector<double> masses;
};
ChoiceResult choice_result(std::span<const ChoiceQuestion> questions, std::span<const std::vector<double>> scores);

}  // namespace lethe
