#include "objectives/cross_entropy_training.h"

namespace lethe {

StepLoss CrossEntropyObjective::loss(std::uint64_t micro) {
  ExamplePacker packer(packing_for(model_));
  for (const auto& pair : rows_(micro)) packer.add(examples_.example(pair));
  const PackedExamples packed = packer.build(model_.device());
  const at::Tensor states = response_states(model_.hidden(packed.batch), packed);
  const std::int64_t tokens = states.size(0);
  const auto loss =
      cross_entropy(states, model_.head(), packed.targets, at::full({tokens}, 1.0 / static_cast<double>(tokens)));
  StepLoss result;
  result.loss = loss.total;
  result.tokens = packed.real_tokens;
  result.terms["ce"] = loss.each.mean();
  return result;
}

}  // namespace lethe
