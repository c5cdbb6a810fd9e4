#include "objectives/sku.h"

namespace lethe {

StepLoss SkuObjective::loss(std::uint64_t micro) {
  const StepRows rows = rows_(micro);
  const bool diverge = options_.eps_pd != 0 && !rows.normal.empty();
  const at::Tensor reference = diverge ? reference_.states(rows.normal) : at::Tensor();

  // One pack: the harmful prompts with their own and drawn responses, then the normal pairs.
  ExamplePacker packer(packing_for(model_));
  const HarmfulSpans harmful = pack_harmful(rows, examples_, packer);
  const std::int64_t harmful_tokens = packer.response_tokens(), harmful_end = packer.tokens();
  for (const auto& pair : rows.normal) packer.add(examples_.example(pair));
  const PackedExamples packed = packer.build(model_.device());

  // Dropout would enter the divergence as noise: the reference has none.
  model_.adapters.dropout_tokens = harmful_end;
  const at::Tensor states = response_states(model_.hidden(packed.batch), packed);
  const Head head = model_.head();

  StepLoss result;
  result.tokens = packed.real_tokens;
  if (harmful_tokens > 0) {
    const auto weights = harmful_weights(harmful, harmful_tokens, options_.harmful);
    const auto loss = cross_entropy(states.slice(0, 0, harmful_tokens), head,
                                    packed.targets.slice(0, 0, harmful_tokens), at::tensor(weights));
    const at::Tensor each = loss.each.cpu();
    result.loss = loss.total;
    result.terms["gd"] = mean_over_examples(each, harmful.own);
    result.terms["rd"] = mean_over_examples(each, harmful.drawn);
  }
  if (diverge) {
    const auto divergence = preservation_divergence(states.slice(0, harmful_tokens), head, reference, reference_.head(),
                                                    options_.eps_pd, options_.pd_margin);
    result.loss = result.loss.defined() ? result.loss + divergence.loss : divergence.loss;
    result.terms["kl"] = divergence.mean;
  }
  return result;
}

}  // namespace lethe
