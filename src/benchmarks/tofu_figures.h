// TOFU's figures from the scores of its questions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "benchmarks/membership_attacks.h"
#include "benchmarks/result.h"
#include "core/enum_words.h"
#include "metrics/degenerate.h"

namespace lethe {

/// The four sets, by the names of rows.jsonl and of the files (but for forget).
enum class TofuSet : std::uint8_t { forget, retain, real_authors, world_facts };

template <>
struct EnumWords<TofuSet> {
  static constexpr std::pair<std::string_view, TofuSet> all[] = {{"forget", TofuSet::forget},
                                                                 {"retain", TofuSet::retain},
                                                                 {"real_authors", TofuSet::real_authors},
                                                                 {"world_facts", TofuSet::world_facts}};
};

inline constexpr std::array kTofuSets = {TofuSet::forget, TofuSet::retain, TofuSet::real_authors, TofuSet::world_facts};

/// The scores of one question, 0 … 1 each but for the truth ratio (≥ 0).
struct TofuScores {
  double probability = 0;        ///< real authors, world facts: among the options
  double plain_probability = 0;  ///< e^−loss in every set
  double truth_ratio = 0;
  double rouge_recall = 0;  ///< ROUGE-L of the greedy answer, stemmed
  double extraction_strength = 0, exact_memorization = 0;
  Degeneracy degeneracy = Degeneracy::none;
};

/// The scores of one set by kind, one entry a question.
struct TofuSetScores {
  std::vector<double> probabilities, plain_probabilities, truth_ratios, rouge_recalls;
  std::vector<double> extraction_strengths, exact_memorizations;
  std::vector<Degeneracy> degeneracies;
  std::vector<AttackScores> attacks;  ///< of the forget set

  void add(const TofuScores& scores);
};
using TofuScoreTable = std::array<TofuSetScores, 4>;  // by TofuSet

/// e^−loss. @param options  divide by the sum over the answer and the perturbed answers (a question with options)
double tofu_probability(double loss, std::span<const double> perturbed, bool options);

/// Adds forget quality, model utility, and the aggregates of each set, and the tables.
/// @param retained  truth ratios of the retain model on the forget set; empty: none, and so no forget quality
void add_tofu_figures(BenchmarkResult& result, const TofuScoreTable& table, std::span<const double> retained);

}  // namespace lethe
