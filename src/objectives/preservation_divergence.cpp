#include "objectives/preservation_divergence.h"

#include <c10/core/GradMode.h>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/terminal.h"

namespace lethe {
namespace {

PackedExamples pack_pairs(std::span<const Pair> pairs, ExampleMaker& examples, const CausalLM& model) {
  ExamplePacker packer;
  for (const auto& pair : pairs) packer.add(examples.example(pair));
  return packer.build(model.device());
}

}  // namespace

at::Tensor AdapterOffReference::states(std::span<const Pair> pairs) {
  const c10::NoGradGuard no_gradient;
  const AdapterMode before = model_.adapters;
  model_.adapters = AdapterMode{.on = false};
  const auto packed = pack_pairs(pairs, examples_, model_);
  at::Tensor result = response_states(model_.hidden(packed.batch), packed);
  model_.adapters = before;
  return result;
}

Head AdapterOffReference::head() {
  const AdapterMode before = model_.adapters;
  model_.adapters = AdapterMode{.on = false};
  Head result = model_.head();
  model_.adapters = before;
  return result;
}

StoredReference::StoredReference(CausalLM& model, ExampleMaker& examples, std::span<const Pair> pairs)
    : examples_(examples) {
  const c10::NoGradGuard no_gradient;
  head_ = model.head();
  head_.weight = head_.weight.detach().clone();
  if (head_.bias.defined()) head_.bias = head_.bias.detach().clone();
  add(model, pairs);
}

void StoredReference::add(CausalLM& model, std::span<const Pair> pairs) {
  const c10::NoGradGuard no_gradient;
  std::vector<const Example*> rows;  // each once: a plan may name a pair many times
  for (const Pair& pair : pairs) {
    stop_if_interrupted();
    const Example& example = examples_.example(pair);
    if (stored_.try_emplace(row_of(example)).second) rows.push_back(&example);
  }
  if (rows.empty()) return;
  say("computing the original's predictions on " + with_commas(rows.size()) + " normal answers");
  Progress progress("reference", rows.size(), "answers");
  constexpr std::size_t kRows = 16;
  constexpr std::int64_t kTokens = 4096;  // few, so that an interrupt takes effect soon
  for (std::size_t first = 0, next = 0; first < rows.size(); first = next) {
    ExamplePacker packer;
    while (next < rows.size() && next - first < kRows && (next == first || packer.tokens() < kTokens))
      packer.add(*rows[next++]);
    const PackedExamples packed = packer.build(model.device());
    const at::Tensor states = response_states(model.hidden(packed.batch), packed);
    for (std::size_t i = first; i < next; ++i) {
      const ResponseSpan& span = packed.spans[i - first];
      stored_.at(row_of(*rows[i])) = states.slice(0, span.begin, span.end).clone();
    }
    progress.update(next);
  }
}

at::Tensor StoredReference::states(std::span<const Pair> pairs) {
  std::vector<at::Tensor> parts;
  for (const auto& pair : pairs) {
    const auto found = stored_.find(row_of(examples_.example(pair)));
    if (found == stored_.end()) throw Error("internal: no reference was stored for a normal pair");
    parts.push_back(found->second);
  }
  return at::cat(parts);
}

Divergence preservation_divergence(const at::Tensor& states, const Head& head, const at::Tensor& reference_states,
                                   const Head& reference_head, double eps_pd, double margin) {
  const std::int64_t tokens = states.size(0);
  const auto kl = kl_divergence(states, head, reference_states, reference_head,
                                at::full({tokens}, 1.0 / static_cast<double>(tokens)));
  Divergence result;
  result.mean = kl.each.mean().clamp_min(0);  // rounding can give −1e-8 where the two agree
  result.loss = kl.total * -eps_pd;
  if (margin > 0) result.loss = result.loss * (result.mean <= margin);
  return result;
}

}  // namespace lethe
