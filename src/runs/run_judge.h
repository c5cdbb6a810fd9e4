// The judges of a run: opened by name, or a classifier trained on the run's own held-out answers.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/questions.h"
#include "judges/cross_fitted.h"
#include "judges/open_judge.h"
#include "judges/panel.h"
#include "runs/training_data.h"

namespace lethe {

/// Labels for a text classifier. Harmful: harmful responses that do not refuse; harmless: normal responses, and harmful
/// ones that refuse (a safe/unsafe label alone trains no usable judge: docs/explanation/method.md). Each text once.
std::vector<LabelledResponse> label_responses(const std::vector<Pair>& harmful, const std::vector<Pair>& harmless);

/// Trains the text classifier on all responses and writes it to a file. @return its description
/// @param embedder  folder or name of the sentence encoder by whose embeddings it judges; empty: by words
std::string train_classifier(const std::vector<LabelledResponse>& labelled, std::uint64_t seed,
                             const std::filesystem::path& file, const std::string& embedder = "");

/// The classifier that a run trains on its own data: "classifier", or "classifier:embedder=DIR".
struct RunClassifier {
  std::string embedder;  ///< folder or name of a sentence encoder; empty: it judges by words
};
/// @return nothing if the name is that of another judge
/// @throws Error (usage) for another key than embedder
std::optional<RunClassifier> run_classifier(const std::string& judge);

/// What the built-in classifier learns from: held-out answers (validation and test), without any text that is also a
/// normal answer trained on, for methods learn to give those.
struct JudgeLessons {
  std::vector<LabelledResponse> responses;
  /// Too few normal answers are held out, so answers from training were used too: the judge favours methods that give
  /// such answers.
  bool from_normal_training = false;
};
JudgeLessons judge_lessons(const RunData& data);

/// The judges that the recipe names; "classifier" is trained on the data's held-out answers, and judges no answer to a
/// prompt that it learnt from.
/// @param further  further harmful prompts of the evaluation
/// @param opened   judges shared with other panels; may be null
Panel panel_for_run(const Recipe& recipe, const RunData& data, const std::vector<Question>& further = {},
                    OpenJudges* opened = nullptr);

/// Notes the judges' files among the run's inputs.
void add_judge_inputs(const Recipe& recipe, RunRecord& run);

/// The judges that the recipe names, where there is no data to train one on.
Panel open_panel(const Recipe& recipe);

}  // namespace lethe
