#include "metrics/classification.h"

#include <algorithm>
#include <cmath>

namespace lethe {

std::optional<double> area_under_curve(const std::vector<Scored>& cases) {
  std::vector<Scored> sorted = cases;
  std::sort(sorted.begin(), sorted.end());
  double ranks = 0, positive = 0;
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() && sorted[end].first == sorted[begin].first) ++end;
    const double rank = (static_cast<double>(begin + end) + 1) / 2;  // the mean rank of a tie
    for (std::size_t i = begin; i < end; ++i) {
      if (!sorted[i].second) continue;
      ranks += rank;
      ++positive;
    }
    begin = end;
  }
  const double negative = static_cast<double>(sorted.size()) - positive;
  if (positive == 0 || negative == 0) return std::nullopt;
  return (ranks - positive * (positive + 1) / 2) / (positive * negative);
}

Calibration calibration(const std::vector<Scored>& cases, std::size_t bins) {
  Calibration result;
  const auto width = static_cast<double>(bins);
  for (std::size_t i = 0; i < bins; ++i)
    result.bins.push_back({static_cast<double>(i) / width, static_cast<double>(i + 1) / width});
  const auto total = static_cast<double>(cases.size());
  for (const auto& [score, positive] : cases) {
    const double miss = score - (positive ? 1 : 0);
    result.brier += miss * miss / total;
    ReliabilityBin& bin = result.bins[std::min(bins - 1, static_cast<std::size_t>(score * width))];
    ++bin.cases;
    bin.mean_score += score;
    bin.share += positive;
  }
  for (ReliabilityBin& bin : result.bins) {
    if (bin.cases == 0) continue;
    const auto count = static_cast<double>(bin.cases);
    bin.mean_score /= count;
    bin.share /= count;
    result.expected_error += count / total * std::abs(bin.mean_score - bin.share);
  }
  return result;
}

double accuracy(const std::vector<Scored>& cases, double threshold) {
  if (cases.empty()) return 0;
  const auto right = std::count_if(cases.begin(), cases.end(),
                                   [&](const Scored& one) { return (one.first > threshold) == one.second; });
  return static_cast<double>(right) / static_cast<double>(cases.size());
}

std::optional<double> cohen_kappa(const std::vector<std::pair<bool, bool>>& ratings) {
  double equal = 0, first = 0, second = 0;
  for (const auto& [a, b] : ratings) {
    equal += a == b;
    first += a;
    second += b;
  }
  const auto total = static_cast<double>(ratings.size());
  const double expected = first * second + (total - first) * (total - second);  // times total²
  if (ratings.empty() || expected == total * total) return std::nullopt;
  return (equal * total - expected) / (total * total - expected);
}

}  // namespace lethe
