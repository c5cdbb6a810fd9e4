// Multiple choice by log-likelihood: which of the given answers a model thinks the likeliest. Nothing is generated.
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
/// As lm-evaluation-harness does it: "context choice" is tokenised as one text, joined by one blank; what stands behind
/// as many tokens as the context alone has is the choice. A text beyond the model's positions loses tokens at its
/// beginning. Special tokens are added as the tokenizer says (the harness's `add_bos_token=True`).
/// @throws Error (bad input) for a choice that is no token
std::vector<std::vector<double>> choice_scores(const CausalLM& model, const Tokenizer& tokenizer,
                                               std::span<const ChoiceQuestion> questions,
                                               const std::function<void(std::size_t questions)>& progress = {});

/// One question answered.
struct ChosenAnswer {
  bool right = false;    ///< the likeliest of the single-answer choices (the first of equals) is the right one
  double true_mass = 0;  ///< MC2: Σ P(right) / Σ P(all), of questions with several right answers
};
ChosenAnswer choose(const ChoiceQuestion& question, std::span<const double> scores);

/// What a model got right of one kind of questions.
struct ChoiceResult {
  Proportion right;           ///< MMLU's accuracy, TruthfulQA's MC1
  Mean true_mass;             ///< TruthfulQA's MC2; count 0 where no question has several right answers
  double chance = 0;          ///< mean over questions of 1 / choices
  std::vector<bool> answers;  ///< right or wrong, in the questions' order
  std::vector<double> masses;
};
ChoiceResult choice_result(std::span<const ChoiceQuestion> questions, std::span<const std::vector<double>> scores);

}  // namespace lethe
