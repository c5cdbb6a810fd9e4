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
  std::vector<LossPart> parts;
  if (harmful_tokens > 0) {
    parts.push_back({.end = harmful_tokens,
                     .weights = at::tensor(harmful_weights(harmful, harmful_tokens, options_.harmful)),
                     .targets = packed.targets.slice(0, 0, harmful_tokens)});
  }
  // With a margin, the divergence may not count, which is known only after it has been computed.
  const bool joint = diverge && options_.pd_margin == 0;
  if (joint) {
    const std::int64_t tokens = states.size(0) - harmful_tokens;
    parts.push_back({.begin = harmful_tokens,
                     .end = states.size(0),
                     .weights = at::full({tokens}, -options_.eps_pd / static_cast<double>(tokens)),
                     .reference_hidden = reference,
                     .reference_head = reference_.head()});
  }
  if (!parts.empty()) {
    const JointLoss loss = joint_loss(states, head, parts);
    result.loss = loss.total;
    if (harmful_tokens > 0) {
      const at::Tensor& each = loss.each.front();
      result.terms["gd"] = mean_over_examples(each, harmful.own);
      result.terms["rd"] = mean_over_examples(each, harmful.drawn);
    }
    if (joint) result.terms["kl"] = loss.each.back().mean().clamp_min(0);  // see preservation_divergence()
  }
  if (diverge && !joint) {
    const auto divergence = preservation_divergence(states.slice(0, harmful_tokens), head, reference, reference_.head(),
                                                    options_.eps_pd, options_.pd_margin);
    result.loss = result.loss.defined() ? result.loss + divergence.loss : divergence.loss;
    result.terms["kl"] = divergence.mean;
  }
  return result;
}

std::map<std::string, std::string> SkuObjective::advice() const {
  return {{"kl", options_.pd_margin == 0 ? "set sku.pd_margin (2.0 is the default), or lower training.lr or sku.eps_pd"
                                         : "lower training.lr, sku.pd_margin or sku.eps_pd"}};
}

std::string SkuObjective::gentler() const {
  if (options_.eps_pd == 0) return Objective::gentler();  // nothing pushes the model away from the original
  return options_.pd_margin == 0
             ? "fewer training.steps, a smaller training.lr, or set sku.pd_margin (2.0 is the default)"
             : "fewer training.steps, a smaller training.lr or a smaller sku.pd_margin";
}

}  // namespace lethe
