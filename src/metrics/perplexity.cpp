#include "metrics/perplexity.h"

#include <cmath>

#include "generation/scoring.h"

namespace lethe {

double Perplexity::value() const {
  return std::exp(mean());
}

Perplexity perplexity(const CausalLM& model, std::span<const Example> examples) {
  std::vector<std::vector<int>> rows;
  for (const Example& example : examples) rows.push_back(example.ids);
  const auto scores = score_rows(model, rows);
  Perplexity result;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    for (std::size_t j = examples[i].response_begin; j < examples[i].ids.size(); ++j, ++result.tokens)
      result.nll -= scores[i][j - 1];
  }
  return result;
}

}  // namespace lethe
