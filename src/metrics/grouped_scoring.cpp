#include "metrics/grouped_scoring.h"

#include <c10/core/GradMode.h>

#include "core/interrupt.h"
#include "objectives/responses.h"

namespace lethe {

void score_groups(const CausalLM& model, std::size_t groups,
                  const std::function<std::vector<Example>(std::size_t)>& group,
                  const std::function<void(const ScoredPack&)>& take,
                  const std::function<void(std::size_t)>& progress) {
  const c10::NoGradGuard no_gradient;
  constexpr std::int64_t kPackTokens = 4096;
  for (std::size_t begin = 0; begin < groups;) {
    stop_if_interrupted();
    ExamplePacker packer(packing_for(model));
    std::size_t end = begin;
    for (; end < groups && (end == begin || packer.tokens() < kPackTokens); ++end) packer.add_group(group(end));
    const PackedExamples packed = packer.build(model.device());
    take({begin, end, packed, response_states(model.hidden(packed.batch), packed)});
    begin = end;
    if (progress) progress(end);
  }
}

}  // namespace lethe
