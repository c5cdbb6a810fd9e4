// What changed between two models on the same prompts, and whether chance explains it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/comparison.h"
#include "evaluation/evaluation.h"
#include "report/table.h"

namespace lethe {

/// One figure of both models, and a paired test of their difference.
struct Difference {
  std::string figure;     ///< a name of figures.h
  std::string test;       ///< "McNemar" or "permutation"
  std::size_t cases = 0;  ///< prompts that both models have the figure of
  double before = 0, after = 0;
  double half_width = 0;                        ///< of the 95% interval of after − before; permutation only
  std::size_t only_before = 0, only_after = 0;  ///< prompts on which one model alone has the property; McNemar only
  double p = 1;                                 ///< two-sided
};

/// All figures that have a test, in the order of the table of figures. `before` and `after` are the figures
/// themselves, computed over the prompts that have a value with both models. Both results are of the same prompts in
/// the same order.
///
/// Rates: the exact McNemar test. Means over prompts (ROUGE-L, MC2) and over tokens (NLL): the paired permutation test,
/// which flips the signs of the prompts' parts of the difference; the interval is Student's t over these parts (of a
/// mean over tokens: linearised, as usual for a ratio of sums).
std::vector<Difference> differences_of(const ModelResult& before, const ModelResult& after, std::uint64_t seed);
/// None if there is one model only. The permutations take a while: compute this once.
std::vector<Difference> differences_of(const Comparison& comparison);

OrderedJson to_json(const std::vector<Difference>& differences);
Table differences_table(const std::vector<Difference>& differences);

}  // namespace lethe
