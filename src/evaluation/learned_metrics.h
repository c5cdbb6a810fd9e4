// Learned metrics of answers to normal prompts: BLEURT and the similarity that a sentence encoder sees, where a recipe
// names their folders.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/questions.h"
#include "evaluation/reference_scores.h"
#include "metrics/bleurt.h"
#include "metrics/sentence_encoder.h"
#include "recipe/recipe.h"

namespace lethe {

class LearnedMetrics {
 public:
  /// Reads `evaluation.bleurt` and `evaluation.embedder`, in float32.
  /// @throws Error (bad input) as Bleurt::load() and SentenceEncoder::load()
  explicit LearnedMetrics(const Recipe& recipe);

  /// Of each answer, where its question has references. @param title  of the progress bar
  std::vector<LearnedScores> score(const std::vector<std::string>& responses, const std::vector<Question>& questions,
                                   const std::string& title) const;

 private:
  std::optional<Bleurt> bleurt_;
  std::optional<SentenceEncoder> embedder_;
};

/// nullptr where the recipe names neither.
std::shared_ptr<const LearnedMetrics> open_learned_metrics(const Recipe& recipe);

}  // namespace lethe
