#include "benchmarks/tofu_figures.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "metrics/kolmogorov_smirnov.h"
#include "metrics/truth_ratio.h"

namespace lethe {
namespace {

// How OpenUnlearning begins the names of a set.
std::string open_prefix(TofuSet set) {
  return set == TofuSet::real_authors ? "ra" : set == TofuSet::world_facts ? "wf" : word_of(set);
}

Mean truth_figure(TofuSet set, const std::vector<double>& ratios) {
  std::vector<double> values;
  for (const double ratio : ratios)
    values.push_back(set == TofuSet::forget ? truth_ratio_closer_to_one({&ratio, 1})
                                            : truth_ratio_true_better({&ratio, 1}));
  return mean_of(values);
}

void add_set(BenchmarkResult& result, TofuSet set, const TofuSetScores& scores, std::vector<double>& utility) {
  const std::string name = word_of(set), other = open_prefix(set);
  const bool options = set == TofuSet::real_authors || set == TofuSet::world_facts;
  const Mean probability = mean_of(scores.probabilities), rouge = mean_of(scores.rouge_recalls);
  const Mean truth = truth_figure(set, scores.truth_ratios);
  result.add(name + "_prob", probability, {other + (options ? "_Q_A_Prob_normalised" : "_Q_A_Prob")});
  if (options)
    result.open_unlearning.push_back({other + "_Q_A_Prob", mean_of(scores.plain_probabilities).value, std::nullopt});
  result.add(name + "_rouge_l_recall", rouge, {other + "_Q_A_ROUGE"});
  std::vector<std::string> others = {other + "_Truth_Ratio"};
  if (set == TofuSet::forget) others.emplace_back("forget_truth_ratio");  // as its summary files spell it
  result.add(name + "_truth_ratio", truth, others);
  if (set != TofuSet::forget)
    for (const Mean& mean : {probability, rouge, truth}) utility.push_back(mean.value);
}

Table set_table(const TofuScoreTable& table) {
  Table drawn{"TOFU", {"set", "questions", "probability", "ROUGE-L recall", "truth ratio"}, {}};
  for (const TofuSet set : kTofuSets) {
    const TofuSetScores& scores = table[static_cast<std::size_t>(set)];
    drawn.rows.push_back(
        {word_of(set), std::to_string(scores.probabilities.size()), figure_text(mean_of(scores.probabilities).value),
         figure_text(mean_of(scores.rouge_recalls).value), figure_text(truth_figure(set, scores.truth_ratios).value)});
  }
  return drawn;
}

}  // namespace

void TofuSetScores::add(const TofuScores& scores) {
  probabilities.push_back(scores.probability);
  plain_probabilities.push_back(scores.plain_probability);
  truth_ratios.push_back(scores.truth_ratio);
  rouge_recalls.push_back(scores.rouge_recall);
  extraction_strengths.push_back(scores.extraction_strength);
  exact_memorizations.push_back(scores.exact_memorization);
  degeneracies.push_back(scores.degeneracy);
}

double tofu_probability(double loss, std::span<const double> perturbed, bool options) {
  if (!options) return std::exp(-loss);
  // p / (p + Σ p') = 1 / (1 + Σ p'/p), which does not underflow.
  double sum = 1;
  for (const double wrong : perturbed) sum += std::exp(loss - wrong);
  return 1 / sum;
}

void add_tofu_figures(BenchmarkResult& result, const TofuScoreTable& table, std::span<const double> retained) {
  const TofuSetScores& forget = table[0];
  std::optional<double> quality;
  if (!retained.empty())
    quality = kolmogorov_smirnov_p(forget.truth_ratios, retained);
  else
    result.notes.emplace_back("forget_quality needs the retain model's results (--retain).");
  result.add("forget_quality", quality, {"forget_quality"});
  const std::size_t place = result.figures.size();
  std::vector<double> utility;
  for (const TofuSet set : kTofuSets) add_set(result, set, table[static_cast<std::size_t>(set)], utility);
  const double mean = harmonic_mean(utility);
  result.figures.insert(result.figures.begin() + static_cast<std::ptrdiff_t>(place),
                        {"model_utility", mean, std::nullopt});
  result.open_unlearning.push_back({"model_utility", mean, std::nullopt});
  result.add("extraction_strength", mean_of(forget.extraction_strengths), {"extraction_strength"});
  result.add("exact_memorization", mean_of(forget.exact_memorizations), {"exact_memorization"});
  const auto count = [&](auto is) {
    return static_cast<std::size_t>(std::count_if(forget.degeneracies.begin(), forget.degeneracies.end(), is));
  };
  const std::size_t cases = forget.degeneracies.size();
  result.add("forget_gibberish", proportion(count([](Degeneracy d) { return d == Degeneracy::gibberish; }), cases));
  result.add("forget_degenerate", proportion(count([](Degeneracy d) { return d != Degeneracy::none; }), cases));
  result.tables.push_back(set_table(table));
}

}  // namespace lethe
