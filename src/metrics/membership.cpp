#include "metrics/membership.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "metrics/classification.h"

namespace lethe {

std::size_t zlib_bytes(std::string_view text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::vector<Bytef> compressed(size);
  const auto* bytes = reinterpret_cast<const Bytef*>(text.data());
  if (compress(compressed.data(), &size, bytes, static_cast<uLong>(text.size())) != Z_OK)
    throw Error("cannot compress a text").found("an error of zlib");
  return size;
}

double zlib_score(double loss, std::string_view text) {
  return loss / static_cast<double>(zlib_bytes(text));
}

double min_k_score(std::span<const double> values, double share) {
  if (values.empty()) return 0;
  std::vector<double> sorted(values.begin(), values.end());
  const auto lowest = std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(sorted.size()) * share));
  std::sort(sorted.begin(), sorted.end());
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(std::min(lowest, sorted.size()));
  return -std::accumulate(sorted.begin(), end, 0.0) / static_cast<double>(lowest);
}

double normalised_log_probability(double log_probability, double mean, double variance) {
  constexpr double kLeastVariance = 1e-6;
  return (log_probability - mean) / std::sqrt(std::max(variance, kLeastVariance));
}

std::optional<double> membership_auc(std::span<const double> forget, std::span<const double> holdout) {
  std::vector<Scored> cases;
  for (const double score : forget) cases.emplace_back(score, false);
  for (const double score : holdout) cases.emplace_back(score, true);
  return area_under_curve(cases);
}

std::optional<double> privacy_leak(double auc, double auc_retrained) {
  const double found = 1 - auc, retrained = 1 - auc_retrained;
  if (retrained <= 0) return std::nullopt;
  return 100 * (found - retrained) / retrained;
}

}  // namespace lethe
