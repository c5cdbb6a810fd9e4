// What a model is asked in an evaluation, and what of it is left out because it was trained on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/run_record.h"
#include "data/benchmarks.h"
#include "data/overlap.h"
#include "data/questions.h"
#include "recipe/recipe.h"

namespace lethe {

/// The sets of the paper: harmful prompts that were unlearned (`seen`), others of the same source (`unseen`) and of
/// another (`other`), and `normal` ones with reference answers. Further ones may be empty.
struct EvaluationSets {
  std::vector<Question> seen, unseen, normal;
  std::vector<Question> other;
  /// Safe prompts that look unsafe, built in or XSTest's, and XSTest's unsafe counterparts.
  std::vector<Question> safe, contrast;
  bool built_in_safe = false;
  std::vector<ChoiceQuestion> choices;
  std::vector<std::string> texts;         ///< plain text, for perplexity
  std::vector<std::string> trained_on{};  ///< "unseen", "normal": sets of which there are only prompts trained on
  /// Reasons against a green verdict that are known before the work: what could not be checked of these prompts.
  std::vector<std::string> cautions{};
};

/// Reads prompts of one role, says and notes what was found. @param run  may be null
std::vector<Question> load_reported_questions(const std::vector<DataSource>& sources, Role role,
                                              const std::string& name, RunRecord* run);

/// The name of the set `safe` in messages.
inline const char* safe_set_name(const EvaluationSets& sets) {
  return sets.built_in_safe ? "safe" : "xstest safe";
}

/// Adds the files of evaluation.other, evaluation.xstest, evaluation.choices and evaluation.text, and without XSTest
/// the built-in safe prompts (evaluation.safe_prompts). A text file ending in .txt is one text. @param run  may be null
void load_further_sets(const EvaluationSettings& settings, EvaluationSets& sets, RunRecord* run);

/// A prompt that was left out, and the training prompt it is like.
struct LeftOutPrompt {
  std::string set;
  std::string prompt, source, trained, trained_source;
  std::uint64_t line = 0, trained_line = 0;
  bool exact = false;
  double similarity = 0;
};

/// Takes prompts that overlap with training out of every set but `seen` (and those in `keep`: sets that are the
/// training prompts by the recipe's own choice). Says how many; with a run they stand in overlap.jsonl, and in the
/// report among what was left out. Texts are not compared: they have no prompt.
/// @param trained  each with its place
std::vector<LeftOutPrompt> leave_out_overlap(EvaluationSets& sets, const std::vector<Question>& trained,
                                             const OverlapOptions& options, RunRecord* run,
                                             const std::vector<std::string>& keep = {});

/// At most `count` of them, chosen by a hash of their prompts, in their order.
std::vector<Question> choose_questions(const std::vector<Question>& questions, std::size_t count, std::uint64_t seed);
std::vector<ChoiceQuestion> choose_questions(const std::vector<ChoiceQuestion>& questions, std::size_t count,
                                             std::uint64_t seed);

}  // namespace lethe
