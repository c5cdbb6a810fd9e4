#include "objectives/original.h"

#include <c10/core/GradMode.h>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/terminal.h"

namespace lethe {

at::Tensor final_states(const CausalLM& model, const PackedExamples& packed) {
  return response_states(model.hidden(packed.batch), packed);
}

at::Tensor response_losses(const CausalLM& model, const PackedExamples& packed) {
  return -log_probabilities(final_states(model, packed), model.head(), packed.targets);
}

at::Tensor AdapterOffOriginal::values(std::span<const Pair> pairs) {
  const c10::NoGradGuard no_gradient;
  ExamplePacker packer;
  for (const Pair& pair : pairs) packer.add(examples_.example(pair));
  const PackedExamples packed = packer.build(model_.device());
  const AdapterMode before = model_.adapters;
  model_.adapters = AdapterMode{.on = false};
  at::Tensor result = function_(model_, packed);
  model_.adapters = before;
  return result;
}

void StoredOriginal::add(const CausalLM& model, std::span<const Pair> pairs, const std::string& kind) {
  const c10::NoGradGuard no_gradient;
  std::vector<const Example*> rows;  // each once: a plan may name a pair many times
  for (const Pair& pair : pairs) {
    stop_if_interrupted();
    const Example& example = examples_.example(pair);
    if (stored_.try_emplace(row_of(example)).second) rows.push_back(&example);
  }
  if (rows.empty()) return;
  Progress progress("the original's predictions, " + kind + " answers to train on", rows.size(), "answers");
  constexpr std::size_t kRows = 16;
  constexpr std::int64_t kTokens = 4096;  // few, so that an interrupt takes effect soon
  for (std::size_t first = 0, next = 0; first < rows.size(); first = next) {
    ExamplePacker packer;
    while (next < rows.size() && next - first < kRows && (next == first || packer.tokens() < kTokens))
      packer.add(*rows[next++]);
    const PackedExamples packed = packer.build(model.device());
    const at::Tensor values = function_(model, packed);
    for (std::size_t i = first; i < next; ++i) {
      const ResponseSpan& span = packed.spans[i - first];
      stored_.at(row_of(*rows[i])) = values.slice(0, span.begin, span.end).clone();
    }
    progress.update(next);
  }
}

at::Tensor StoredOriginal::values(std::span<const Pair> pairs) {
  std::vector<at::Tensor> parts;
  for (const Pair& pair : pairs) {
    const auto found = stored_.find(row_of(examples_.example(pair)));
    if (found == stored_.end()) throw Error("internal: no reference was stored for a pair");
    parts.push_back(found->second);
  }
  return at::cat(parts);
}

}  // namespace lethe
