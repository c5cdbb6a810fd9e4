#include "evaluation/divergence_sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/random.h"
#include "models/nf4_form.h"

namespace lethe {
namespace {

constexpr std::size_t kFirstPairs = 64;
constexpr double kPrecision = 0.05;  // standard error, as a share of the budget

}  // namespace

std::vector<Pair> in_random_order(std::vector<Pair> pairs, std::uint64_t seed) {
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    order.emplace_back(stable_hash(pairs[i].prompt + "\n" + pairs[i].response, seed), i);
  std::sort(order.begin(), order.end());
  std::vector<Pair> result;
  for (const auto& [hash, i] : order) result.push_back(std::move(pairs[i]));
  return result;
}

AlphaPoint mean_divergence(double alpha, const std::vector<PairDivergence>& pairs) {
  AlphaPoint point{.alpha = alpha, .pairs = pairs.size()};
  double total = 0, squares = 0;
  for (const PairDivergence& pair : pairs) {
    total += pair.kl;
    point.tokens += pair.tokens;
  }
  const auto tokens = static_cast<double>(std::max<std::int64_t>(point.tokens, 1));
  point.kl = total / tokens;
  if (pairs.size() < 2) return point;
  for (const PairDivergence& pair : pairs) {
    const double residual = pair.kl - point.kl * static_cast<double>(pair.tokens);
    squares += residual * residual;
  }
  const auto count = static_cast<double>(pairs.size());
  point.standard_error = std::sqrt(count / (count - 1) * squares) / tokens;
  return point;
}

std::size_t pairs_needed(const AlphaPoint& point, double budget) {
  const double error = point.standard_error, limit = kPrecision * budget;
  if (!std::isfinite(point.kl) || !std::isfinite(error) || error <= limit) return point.pairs;
  if (point.kl - 4 * error > budget || point.kl + 4 * error < kCloseToBudget * budget) return point.pairs;
  const double share = error / limit, needed = std::ceil(1.1 * share * share * static_cast<double>(point.pairs));
  return needed < 1e9 ? static_cast<std::size_t>(needed) : std::numeric_limits<std::size_t>::max();
}

DivergenceSample::DivergenceSample(CausalLM& original, ExampleMaker& examples, std::vector<Pair> pairs,
                                   std::uint64_t seed)
    : unused_(in_random_order(std::move(pairs), seed)), meter_(original, examples, {}, "normal validation answers") {
  grow(original, kFirstPairs);
}

void DivergenceSample::grow(CausalLM& original, std::size_t pairs) {
  pairs = std::min(pairs, all());
  if (pairs <= used()) return;
  const std::size_t more = pairs - used();
  meter_.add(original, std::span(unused_).first(more));
  unused_.erase(unused_.begin(), unused_.begin() + static_cast<std::ptrdiff_t>(more));
}

AlphaMeter::AlphaMeter(DivergenceSample& sample, CausalLM& model, std::function<void(double)> apply, bool nf4)
    : sample_(sample), model_(model), apply_(std::move(apply)), nf4_(nf4) {}

// Of the model at α in four bits, on the first pairs of the sample, of which at least so many are in use.
double AlphaMeter::mean_in_nf4(double alpha, std::size_t pairs) {
  std::vector<PairDivergence>& each = in_nf4_[alpha];
  if (each.size() < pairs) {
    apply_(alpha);
    const Nf4Form form(model_);
    const std::vector<PairDivergence> more = sample_.measure(model_, each.size());
    each.insert(each.end(), more.begin(), more.end());
  }
  return mean_divergence(alpha, {each.begin(), each.begin() + static_cast<std::ptrdiff_t>(pairs)}).kl;
}

AlphaPoint AlphaMeter::measure(double alpha, double budget) {
  std::vector<PairDivergence>& each = measured_[alpha];
  for (;;) {
    if (each.size() < sample_.used()) {
      apply_(alpha);
      const std::vector<PairDivergence> more = sample_.measure(model_, each.size());
      each.insert(each.end(), more.begin(), more.end());
    }
    AlphaPoint point = mean_divergence(alpha, each);
    const std::size_t needed = std::min(pairs_needed(point, budget), sample_.all());
    if (needed <= each.size()) {
      if (nf4_) point.nf4_rise = mean_in_nf4(alpha, point.pairs) - mean_in_nf4(0, point.pairs);
      return point;
    }
    apply_(0);
    sample_.grow(model_, needed);
  }
}

}  // namespace lethe
