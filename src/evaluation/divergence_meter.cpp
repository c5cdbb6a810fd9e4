#include "evaluation/divergence_meter.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/numbers.h"
#include "core/terminal.h"

namespace lethe {

DivergenceMeter::DivergenceMeter(CausalLM& original, ExampleMaker& examples, const std::vector<Pair>& pairs,
                                 std::string answers)
    : examples_(examples), answers_(std::move(answers)), original_head_(frozen_copy(original.head())) {
  add(original, pairs);
}

void DivergenceMeter::add(const CausalLM& original, std::span<const Pair> pairs) {
  if (pairs.empty()) return;
  const c10::NoGradGuard no_gradient;
  constexpr std::size_t kGroup = 16;
  Progress progress("the original's predictions, " + answers_, pairs.size(), "answers");
  for (std::size_t begin = 0; begin < pairs.size(); begin += kGroup) {
    stop_if_interrupted();
    std::vector<Example> rows;
    for (const Pair& pair : pairs.subspan(begin, std::min(kGroup, pairs.size() - begin)))
      rows.push_back(examples_.example(pair));
    ExamplePacker packer(packing_for(original));
    packer.add_group(rows);
    PackedExamples packed = packer.build(original.device());
    at::Tensor states = final_states(original, packed);
    groups_.push_back({pairs_, std::move(packed), std::move(states)});
    pairs_ += rows.size();
    progress.update(begin + rows.size());
  }
}

double DivergenceMeter::measure(const CausalLM& model) const {
  double total = 0;
  std::int64_t tokens = 0;
  for (const PairDivergence& pair : measure_each(model)) {
    total += pair.kl;
    tokens += pair.tokens;
  }
  return total / static_cast<double>(std::max<std::int64_t>(tokens, 1));
}

std::vector<PairDivergence> DivergenceMeter::measure_each(const CausalLM& model, std::size_t first) const {
  const c10::NoGradGuard no_gradient;
  std::vector<PairDivergence> result;
  for (const Group& group : groups_) {
    if (group.first < first) continue;
    stop_if_interrupted();
    const at::Tensor states = final_states(model, group.packed);
    const auto kl = kl_divergence(states, model.head(), group.states, original_head_, at::ones({states.size(0)}));
    const at::Tensor each = kl.each.to(at::kCPU, at::kDouble).contiguous();
    const double* value = each.const_data_ptr<double>();
    for (const ResponseSpan& span : group.packed.spans) {
      const double sum = std::accumulate(value + span.begin, value + span.end, 0.0);
      result.push_back({sum < 0 ? 0 : sum, span.size()});  // below 0 by rounding alone; a NaN stays one
    }
  }
  if (first + result.size() != pairs_) throw Error("internal: a measurement begins within a group of pairs");
  return result;
}

}  // namespace lethe
