#include "objectives/preservation_divergence.h"

#include <c10/core/GradMode.h>

#include "core/error.h"
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

StoredReference::StoredReference(CausalLM& model, ExampleMaker& examples, std::span<const Pair> pairs) {
  const c10::NoGradGuard no_gradient;
  head_ = model.head();
  head_.weight = head_.weight.detach().clone();
  if (head_.bias.defined()) head_.bias = head_.bias.detach().clone();
  Progress progress("reference", pairs.size(), "pairs");
  constexpr std::size_t group = 16;
  for (std::size_t first = 0; first < pairs.size(); first += group) {
    const auto some = pairs.subspan(first, std::min(group, pairs.size() - first));
    const auto packed = pack_pairs(some, examples, model);
    const at::Tensor states = response_states(model.hidden(packed.batch), packed);
    for (std::size_t i = 0; i < some.size(); ++i) {
      stored_[{some[i].prompt, some[i].response}] = states.slice(0, packed.spans[i].begin, packed.spans[i].end).clone();
    }
    progress.update(first + some.size());
  }
}

at::Tensor StoredReference::states(std::span<const Pair> pairs) {
  std::vector<at::Tensor> parts;
  for (const auto& pair : pairs) {
    const auto found = stored_.find({pair.prompt, pair.response});
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
  result.mean = kl.each.mean();
  result.loss = kl.total * -eps_pd;
  if (margin > 0) result.loss = result.loss * (result.mean <= margin);
  return result;
}

}  // namespace lethe
