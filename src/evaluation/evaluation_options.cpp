#include "evaluation/evaluation_options.h"

#include <algorithm>

#include "core/error.h"
#include "core/terminal.h"
#include "models/stop_tokens.h"
#include "recipe/method_table.h"
#include "recipe/objective_defaults.h"

namespace lethe {

std::int64_t wanted_room(std::int64_t max_new_tokens, std::int64_t positions) {
  return positions > 0 ? std::min(max_new_tokens, positions / 2) : max_new_tokens;
}

void check_windows(const EvaluationSettings& settings, std::int64_t positions) {
  const auto refuse = [](const std::string& key, const std::string& wanted, std::int64_t found) {
    throw bad_usage("cannot measure the perplexity of text")
        .with("key", key)
        .wanted(wanted)
        .found(with_commas(static_cast<std::uint64_t>(found)));
  };
  const auto count = [](std::int64_t tokens) { return with_commas(static_cast<std::uint64_t>(tokens)); };
  if (settings.window == 1 || (positions > 0 && settings.window > positions))
    refuse("evaluation.window",
           positions > 0 ? "0, or 2 to " + count(positions) + " tokens, the model's positions"
                         : std::string("0, or at least 2 tokens"),
           settings.window);
  const std::int64_t most = settings.window > 0 ? settings.window : positions;
  if (most > 0 && settings.stride > most)
    refuse("evaluation.stride", "0 to " + count(most) + " tokens, the window", settings.stride);
}

std::shared_ptr<const SafeAnswers> counted_safe_answers(const Recipe& recipe) {
  // Built-in ones count for every method that teaches none, so that methods are compared by one measure. Normal answers
  // (mismatch) are no refusals.
  const std::string taught = method_named(recipe.method).safe_answers ? taught_answers(recipe) : "built-in";
  return taught == "mismatch" ? nullptr : std::make_shared<const SafeAnswers>(taught);
}

EvaluationOptions evaluation_options(const Recipe& recipe, const Checkpoint& checkpoint, std::int64_t positions) {
  check_windows(recipe.evaluation, positions);
  EvaluationOptions options;
  options.positions = positions;
  options.layout = recipe_template(recipe, checkpoint.folder());
  options.prompts = static_cast<std::size_t>(recipe.evaluation.prompts);
  options.max_new_tokens = recipe.evaluation.max_new_tokens;
  options.examples = example_options(recipe, options.layout, positions);
  options.has_chat_template = ChatTemplate::exists(checkpoint.folder());
  options.stop_ids = stop_tokens(checkpoint.folder());
  options.windows = {recipe.evaluation.window, recipe.evaluation.stride};
  options.seed = recipe.seed;
  options.learned = open_learned_metrics(recipe);
  options.safe_answers = counted_safe_answers(recipe);
  return options;
}

}  // namespace lethe
