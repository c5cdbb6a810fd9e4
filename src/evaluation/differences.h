// What changed between two models asked the same prompts, and whether chance explains it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/evaluation.h"
#include "report/table.h"

namespace lethe {

/// One figure of both models, and a paired test of their difference.
struct Difference {
  std::string figure;     ///< a name of figures.h
  std::string test;       ///< "McNemar" or "permutation"
  std::size_t cases = 0;  ///< prompts that both models have the figure of
  double before = 0, after = 0;
  double half_width = 0;                        ///< of the 95% interval of after − before; means only
  std::size_t only_before = 0, only_after = 0;  ///< prompts on which one model alone has the property; rates only
  double p = 1;                                 ///< two-sided
};

/// Rates: the exact McNemar test. Means (ROUGE-L, nll of reference answers, MC2): the paired permutation test. Prompts
/// that could not be judged with either model are left out. Both results are of the same prompts in the same order.
std::vector<Difference> differences_of(const ModelResult& before, const ModelResult& after, std::uint64_t seed);

OrderedJson to_json(const std::vector<Difference>& differences);
Table differences_table(const std::vector<Difference>& differences);

}  // namespace lethe
