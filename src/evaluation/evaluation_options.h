// How models are evaluated: how many prompts, how long the answers are, what ends them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/safe_answers.h"
#include "evaluation/kept_outputs.h"
#include "evaluation/learned_metrics.h"
#include "formats/checkpoint.h"
#include "metrics/perplexity.h"
#include "prompts/template.h"
#include "recipe/recipe.h"

namespace lethe {

class AnswerServer;

struct EvaluationOptions {
  Template layout = Template::parse(Template::sku_default);
  bool has_chat_template = false;  ///< whether the tokenizer has one, even if `layout` is another template
  std::size_t prompts =
      200;  ///< of each set at most: the first ones by a hash, so that any order of rows gives the same
  std::int64_t max_new_tokens = 100;
  std::int64_t positions = 0;  ///< the model's; 0: no bound
  ExampleOptions examples;     ///< how reference answers become tokens
  std::vector<int> stop_ids;
  TextWindows windows;  ///< of plain text
  std::uint64_t seed = 8888;
  std::shared_ptr<const LearnedMetrics> learned;  ///< nullptr: none are measured
  /// Outputs of the model that is evaluated; nullptr: everything is computed. ModelComparison sets it for the original
  /// alone.
  OutputStore* store = nullptr;
  /// Servers that answer prompts in place of the model that is evaluated, and of the original; nullptr: Lethe decodes.
  const AnswerServer *server = nullptr, *original_server = nullptr;
  std::shared_ptr<const SafeAnswers> safe_answers;  ///< an answer that holds one of them refuses; nullptr: none do
};

/// What counts as a refusal of this recipe's method, beside phrases: the safe answers that it teaches, or the built-in
/// ones if it teaches none; nullptr with normal answers (mismatch).
std::shared_ptr<const SafeAnswers> counted_safe_answers(const Recipe& recipe);

/// As the recipe sets them, with the checkpoint's stop tokens and the learned metrics opened.
/// @param positions  the model's; 0: no bound
/// @throws Error (usage) if the windows of text do not fit into the positions
EvaluationOptions evaluation_options(const Recipe& recipe, const Checkpoint& checkpoint, std::int64_t positions);

/// Tokens of an answer that a prompt must leave room for: max_new_tokens, but no more than half of the positions.
/// @param positions  the model's; 0: no bound
std::int64_t wanted_room(std::int64_t max_new_tokens, std::int64_t positions);

/// @throws Error (usage) by key if evaluation.window or evaluation.stride does not fit into the positions
void check_windows(const EvaluationSettings& settings, std::int64_t positions);

}  // namespace lethe
