#include "evaluation/differences.h"

#include <algorithm>

#include "core/error.h"
#include "evaluation/figures.h"
#include "metrics/significance.h"

namespace lethe {
namespace {

/// Σ sum / Σ weight of both models over the same prompts.
struct PairedCases {
  std::vector<FigureCase> before, after;
};

PairedCases paired(const FigureCases& before, const FigureCases& after) {
  PairedCases pairs;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (!before[i] || !after[i]) continue;
    pairs.before.push_back(*before[i]);
    pairs.after.push_back(*after[i]);
  }
  return pairs;
}

FigureCase total_of(const std::vector<FigureCase>& cases) {
  FigureCase total{0, 0};
  for (const FigureCase& one : cases) {
    total.sum += one.sum;
    total.weight += one.weight;
  }
  return total;
}

void test_rate(const PairedCases& pairs, Difference& difference) {
  difference.test = "McNemar";
  for (std::size_t i = 0; i < pairs.before.size(); ++i) {
    const bool was = pairs.before[i].sum > 0, is = pairs.after[i].sum > 0;
    difference.only_before += was && !is;
    difference.only_after += !was && is;
  }
  difference.p = mcnemar_p(difference.only_before, difference.only_after);
}

void test_mean(const PairedCases& pairs, std::uint64_t seed, Difference& difference) {
  difference.test = "permutation";
  const double n = static_cast<double>(pairs.before.size());
  const double weight_before = total_of(pairs.before).weight, weight_after = total_of(pairs.after).weight;
  // `parts`: what each prompt adds to the difference. Their mean is after − before; with weights of 1 a part is the
  // prompt's change. `spread`: the same without the effect of the prompt's weight, for the interval (linearisation).
  std::vector<double> parts, spread;
  for (std::size_t i = 0; i < pairs.before.size(); ++i) {
    const FigureCase &before = pairs.before[i], &after = pairs.after[i];
    parts.push_back(n * (after.sum / weight_after - before.sum / weight_before));
    spread.push_back(n * ((after.sum - difference.after * after.weight) / weight_after -
                          (before.sum - difference.before * before.weight) / weight_before));
  }
  difference.half_width = mean_of(spread).half_width;
  difference.p = permutation_p(parts, seed);
}

}  // namespace

std::vector<Difference> differences_of(const ModelResult& before, const ModelResult& after, std::uint64_t seed) {
  std::vector<Difference> differences;
  for (const Figure& figure : figures()) {
    if (figure.test == PairedTest::none) continue;
    const PairedCases pairs = paired(figure.cases(before), figure.cases(after));
    if (pairs.before.empty()) continue;
    const FigureCase first = total_of(pairs.before), second = total_of(pairs.after);
    Difference difference{figure.name, "", pairs.before.size(), first.sum / first.weight, second.sum / second.weight};
    if (figure.test == PairedTest::mcnemar) {
      test_rate(pairs, difference);
    } else {
      test_mean(pairs, seed, difference);
    }
    differences.push_back(std::move(difference));
  }
  return differences;
}

std::vector<Difference> differences_of(const Comparison& comparison) {
  if (!comparison.unlearned) return {};
  return differences_of(comparison.original, *comparison.unlearned, comparison.seed);
}

OrderedJson to_json(const std::vector<Difference>& differences) {
  OrderedJson json = OrderedJson::object();
  for (const Difference& one : differences) {
    OrderedJson& entry =
        json[one.figure] = {{"before", one.before}, {"after", one.after}, {"difference", one.after - one.before},
                            {"cases", one.cases},   {"test", one.test},   {"p", one.p}};
    if (one.test == "McNemar") {
      entry["only_before"] = one.only_before;
      entry["only_after"] = one.only_after;
    } else {
      entry["low"] = one.after - one.before - one.half_width;
      entry["high"] = one.after - one.before + one.half_width;
    }
  }
  return json;
}

Table differences_table(const std::vector<Difference>& differences) {
  Table table{"Differences on the same prompts", {"", "original", "unlearned", "difference", "p"}, {}};
  for (const Difference& one : differences) {
    const Figure& figure = figure_named(one.figure);
    const double change = one.after - one.before;
    std::string text = (change > 0 ? "+" : "") + text_of(figure, change);
    text += one.test == "McNemar"
                ? " (" + with_commas(one.only_before) + " lost, " + with_commas(one.only_after) + " new)"
                : " ±" + fixed(one.half_width, figure.digits);
    table.rows.push_back({figure.title, text_of(figure, one.before), text_of(figure, one.after), text,
                          one.p < 0.001 ? "<0.001" : fixed(one.p, 3)});
  }
  return table;
}

}  // namespace lethe
