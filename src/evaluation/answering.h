// Puts prompts to a model, greedily and in batches.
#pragma once

#include <string>
#include <vector>

#include "data/questions.h"
#include "evaluation/evaluation_options.h"
#include "generation/generate.h"
#include "models/causal_lm.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// One entry a prompt.
struct GreedyAnswers {
  std::vector<std::string> texts;
  std::vector<bool> ended;  ///< by the model; false: cut at the longest answer
};

/// How the answers of an evaluation are generated: their length, stop tokens and seed; greedily.
GenerationOptions answering_options(const EvaluationOptions& options);

/// Answers of at most options.max_new_tokens tokens.
/// @param title  shown by the progress bar
/// @throws Error (bad input) if a prompt does not fit the model's positions; of a server as AnswerServer::answers(), or
///         if its answers are not those of the model
GreedyAnswers answer_questions(const CausalLM& model, const Tokenizer& tokenizer,
                               const std::vector<Question>& questions, const EvaluationOptions& options,
                               const std::string& title);

/// Whether an answer refuses: by its phrases (is_refusal()), or because it holds one of the safe answers that a method
/// teaches (options.safe_answers).
bool refuses(const std::string& answer, const EvaluationOptions& options);

}  // namespace lethe
