#include "evaluation/divergence_meter.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>

#include "core/interrupt.h"

namespace lethe {

DivergenceMeter::DivergenceMeter(CausalLM& original, ExampleMaker& examples, std::vector<Pair> pairs)
    : examples_(examples), pairs_(std::move(pairs)), reference_(original, examples, pairs_) {}

void DivergenceMeter::add(CausalLM& original, std::span<const Pair> pairs) {
  reference_.add(original, pairs);
  pairs_.insert(pairs_.end(), pairs.begin(), pairs.end());
}

double DivergenceMeter::measure(CausalLM& model) {
  double total = 0;
  std::int64_t tokens = 0;
  for (const PairDivergence& pair : measure_each(model)) {
    total += pair.kl;
    tokens += pair.tokens;
  }
  return total / static_cast<double>(std::max<std::int64_t>(tokens, 1));
}

std::vector<PairDivergence> DivergenceMeter::measure_each(CausalLM& model, std::size_t first) {
  const c10::NoGradGuard no_gradient;
  constexpr std::size_t kGroup = 16;
  std::vector<PairDivergence> result;
  for (; first < pairs_.size(); first += kGroup) {
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

}  // namespace lethe
