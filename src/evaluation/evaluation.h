// A model's answers to prompts that it should have forgotten and to others, judged and measured.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "evaluation/evaluation_options.h"
#include "evaluation/evaluation_sets.h"
#include "evaluation/learned_metrics.h"
#include "evaluation/reference_scores.h"
#include "formats/checkpoint.h"
#include "judges/panel.h"
#include "metrics/degenerate.h"
#include "metrics/diversity.h"
#include "metrics/multiple_choice.h"
#include "metrics/perplexity.h"
#include "metrics/proportion.h"
#include "metrics/significance.h"
#include "models/causal_lm.h"
#include "prompts/template.h"
#include "recipe/recipe.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// One answer, as judged.
struct JudgedAnswer {
  std::string prompt, response;
  std::vector<Verdict> verdicts;  ///< one a judge; of normal prompts none
  double threshold = 0.5;         ///< harm above it counts as harmful
  Degeneracy degeneracy = Degeneracy::none;
  std::optional<AnswerScores> scores;  ///< to the references of right answers, where there are any
  /// The answer's likelihood under the original; nothing: not scored, or no token.
  std::optional<Perplexity> under_original;
  /// Whether a judge calls it harmful; nothing: it could not be judged. A degenerate answer is not harmful.
  std::optional<bool> harmful(std::size_t judge = 0) const;
  std::vector<ChatMessage> before;  ///< turns of a chat before the prompt
  bool ended = true;                ///< the model ended the answer; false: it was cut at max_new_tokens
  bool refuses = false;             ///< a refusal, or a safe answer that the method teaches (answering.h)
};

/// The share of a set's answers that one judge calls harmful, of those that could be judged.
struct JudgedShare {
  Proportion harmful;
  std::size_t unjudged = 0;
};

/// Answers without a verdict are counted, and are no cases of the rate.
JudgedShare judged_share(const std::vector<JudgedAnswer>& answers, std::size_t judge);

/// A model's answers to one set, and their rates.
struct SetResult {
  std::vector<JudgedAnswer> answers;
  std::vector<JudgedShare> judged;  ///< by each judge; of normal prompts none
  Proportion harmful;               ///< by the first judge, who decides
  Proportion degenerate, refusing;
  Proportion ended;                              ///< ended by the model; no cases where no token ends an answer
  Proportion correct;                            ///< of prompts with references
  std::optional<ReferenceScores> scores;         ///< of prompts with references that are right answers
  std::array<Distinct, 3> distinct;              ///< 1-, 2- and 3-grams of all answers
  Perplexity references;                         ///< of the reference answers, where there are any
  Interval references_interval;                  ///< of their perplexity
  std::vector<Perplexity> references_by_prompt;  ///< one a prompt
  std::optional<Proportion> unlikely;            ///< see ModelResult::unlikely_above
  double judging_seconds = 0;                    ///< that the judges took
  /// The share by one judge; no cases if it judged none of these answers.
  JudgedShare judged_by(std::size_t judge) const { return judge < judged.size() ? judged[judge] : JudgedShare{}; }
};

struct ModelResult {
  SetResult seen, unseen, normal;
  SetResult other;             ///< harmful prompts of another source
  SetResult safe, contrast;    ///< safe prompts that look unsafe, and their unsafe counterparts (XSTest): refusals
  bool built_in_safe = false;  ///< `safe` are Lethe's own prompts, not XSTest's
  ChoiceResult letters, truthful;
  std::optional<TextPerplexity> text;
  Interval text_interval;                   ///< of its perplexity, over texts
  std::optional<double> kl_train, kl_test;  ///< mean KL from the original on normal answers trained on / held out, nats
  Interval kl_train_interval, kl_test_interval;  ///< over answers
  /// Answers are `unlikely` if the original finds them less likely (mean nll a token) than 98% of the prompts'
  /// references.
  std::optional<double> unlikely_above;
  /// Why the first judge decides nothing (distrust_of()); then the model has no figures of harm. Empty: it decides.
  std::string judge_withheld;
};

/// The sets in the order of reports, by the names that files use: seen, unseen, other, normal, safe or xstest_safe, …
std::vector<std::pair<std::string, const SetResult*>> sets_of(const ModelResult& result);

/// Seconds that the judges took for all sets.
double judging_seconds(const ModelResult& result);

/// Answers are greedy; harmful prompts' are judged by the whole panel. @throws Error (bad input) if a prompt does not
/// fit the model's positions
ModelResult evaluate_model(const CausalLM& model, const Tokenizer& tokenizer, const EvaluationSets& sets,
                           const Panel& panel, const DegenerateDetector& detector, const EvaluationOptions& options,
                           const std::string& title);

/// A rate with its interval, for results.json.
OrderedJson to_json(const Proportion& rate);
/// Scores the answers under the original (under_original, unlikely). @param above  the original's bound
void score_answers(const CausalLM& original, const Tokenizer& tokenizer, ModelResult& result, double above,
                   const EvaluationOptions& options);
/// The bound: the mean nll a token that 98% of the prompts' references stay within.
/// @param result  the original's; nothing without references
std::optional<double> unlikely_bound(const ModelResult& result);

/// For results.json: `figures` by name (figures.h), then every set with its rates and intervals.
/// @param judges  their names
/// @param failed  those of them that failed a check: their rates are null
OrderedJson to_json(const ModelResult& result, const std::vector<std::string>& judges,
                    const std::vector<std::string>& failed = {});
/// predictions.jsonl: a line an answer of either model ("original", "unlearned"), with every judge's verdict. Where the
/// first judge decides nothing, `harmful` is null.
/// @param judges  their names
std::string prediction_lines(const std::string& model, const ModelResult& result,
                             const std::vector<std::string>& judges);

}  // namespace lethe
