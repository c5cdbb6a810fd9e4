// How close answers come to their references: one file for every measure of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "metrics/bleu.h"
#include "metrics/mean.h"
#include "metrics/rouge.h"
#include "metrics/significance.h"

namespace lethe {

/// What learned metrics give an answer, the best reference's; nothing: not measured (evaluation/learned_metrics.h).
struct LearnedScores {
  std::optional<double> bleurt, similarity;
};

/// Of one answer.
struct AnswerScores {
  Rouge plain, stemmed;  ///< the best reference's
  BleuCounts bleu;
  bool correct = false;  ///< contains a reference answer (but for case and white space)
  LearnedScores learned;
};

/// @param references  at least one
AnswerScores scores_of(const std::string& response, const std::vector<std::string>& references);

/// Of many answers.
struct ReferenceScores {
  struct Means {
    Mean rouge1, rouge2, rouge_l;  ///< F1
  } plain, stemmed;
  double bleu = 0;  ///< of the corpus
  Interval bleu_interval;
  std::optional<Mean> bleurt, similarity;  ///< where all answers were measured
};

ReferenceScores mean_scores(std::span<const AnswerScores> answers, std::uint64_t seed);
OrderedJson to_json(const ReferenceScores& scores);
/// {"mean", "low", "high"}
OrderedJson to_json(const Mean& mean);

}  // namespace lethe
