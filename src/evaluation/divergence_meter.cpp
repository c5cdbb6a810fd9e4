#include "evaluation/divergence_meter.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>

#include "core/interrupt.h"
#include "core/terminal.h"

namespace lethe {

DivergenceMeter::DivergenceMeter(CausalLM& original, ExampleMaker& examples, std::vector<Pair> pairs)
    : examples_(examples), pairs_(std::move(pairs)), reference_(original, examples, pairs_) {}

double DivergenceMeter::measure(CausalLM& model) {
  double total = 0;
  std::int64_t tokens = 0;
  for (const PairDivergence& pair : measure_each(model)) {
    total += pair.kl;
    tokens += pair.tokens;
  }
  return total / static_cast<double>(std::max<std::int64_t>(tokens, 1));
}

std::vector<PairDivergence> DivergenceMeter::measure_each(CausalLM& model) {
  const c10::NoGradGuard no_gradient;
  constexpr std::size_t kGroup = 16;
  std::vector<PairDivergence> result;
  for (std::size_t first = 0; first < pairs_.size(); first += kGroup) {
    stop_if_interrupted();
    const auto some = std::span(pairs_).subspan(first, std::min(kGroup, pairs_.size() - first));
    ExamplePacker packer(packing_for(model));
    for (const Pair& pair : some) packer.add(examples_.example(pair));
    const PackedExamples packed = packer.build(model.device());
    const at::Tensor states = response_states(model.hidden(packed.batch), packed);
    const auto kl =
        kl_divergence(states, model.head(), reference_.states(some), reference_.head(), at::ones({states.size(0)}));
    const at::Tensor each = kl.each.to(at::kCPU, at::kDouble).contiguous();
    const double* value = each.const_data_ptr<double>();
    for (const ResponseSpan& span : packed.spans) {
      const double sum = std::accumulate(value + span.begin, value + span.end, 0.0);
      result.push_back({sum < 0 ? 0 : sum, span.size()});  // below 0 by rounding alone; a NaN stays one
    }
  }
  return result;
}

AlphaChoice choose_alpha(const std::function<double(double)>& kl_at, double budget) {
  AlphaChoice choice;
  Progress progress("choosing alpha", 15, "points");
  const auto measure = [&](double alpha) {
    choice.curve.push_back({alpha, kl_at(alpha)});
    progress.update(choice.curve.size());
    return choice.curve.back().kl <= budget;
  };
  int fits = 0;  // tenths
  for (int tenth = 1; tenth <= 10; ++tenth) {
    if (measure(tenth / 10.0)) fits = tenth;
  }
  choice.alpha = fits / 10.0;
  if (fits < 10) {
    double low = fits / 10.0, high = low + 0.1;
    for (int i = 0; i < 5; ++i) {
      const double middle = (low + high) / 2;
      (measure(middle) ? low : high) = middle;
    }
    choice.alpha = low;
  }
  std::sort(choice.curve.begin(), choice.curve.end(),
            [](const AlphaPoint& a, const AlphaPoint& b) { return a.alpha < b.alpha; });
  return choice;
}

}  // namespace lethe
