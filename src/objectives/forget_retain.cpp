#include "objectives/forget_retain.h"

#include "core/error.h"
#include "nn/row_losses.h"
#include "objectives/harmful_responses.h"

namespace lethe {
namespace {

/// Spans of a part of a pack, counted from that part's first response token.
std::vector<ResponseSpan> counted_from(std::int64_t first, std::span<const ResponseSpan> spans) {
  std::vector<ResponseSpan> result;
  for (const ResponseSpan& span : spans) result.push_back({span.begin - first, span.end - first});
  return result;
}

}  // namespace

ForgetRetainPack pack_forget_retain(const StepRows& rows, ExampleMaker& examples, const CausalLM& model,
                                    bool with_normal) {
  ForgetRetainPack pack;
  ExamplePacker packer(packing_for(model));
  const HarmfulSpans harmful = pack_harmful(rows, examples, packer);
  pack.own = harmful.own;
  pack.preferred = harmful.drawn;
  if (!pack.preferred.empty() && pack.preferred.size() != pack.own.size())
    throw Error("internal: some harmful pairs have a preferred response, others have none or several");
  for (std::size_t i = 0; i < rows.harmful.size(); ++i) {
    pack.harmful.push_back(rows.harmful[i]);
    if (pack.preferred.empty()) continue;
    pack.harmful.push_back(rows.harmful[i]);
    pack.harmful.back().response = rows.random[i][0];
  }
  pack.harmful_responses = packer.response_tokens();
  pack.harmful_tokens = packer.tokens();
  if (with_normal) {
    pack.normal = rows.normal;
    for (const Pair& pair : rows.normal) packer.add(examples.example(pair));
  }
  const auto spans = packer.spans();
  pack.normal_spans = counted_from(pack.harmful_responses, spans.subspan(pack.harmful.size()));
  pack.packed = packer.build(model.device());
  return pack;
}

const at::Tensor& ResponseBatch::losses() const {
  if (!losses_.defined()) losses_ = cross_entropy_of_each(states, head, targets);
  return losses_;
}

const at::Tensor& ResponseBatch::original_losses() const {
  if (inputs_.losses == nullptr) throw Error("internal: this method has no losses of the original");
  if (!original_losses_.defined()) original_losses_ = inputs_.losses->values(pairs_);
  return original_losses_;
}

const at::Tensor& ResponseBatch::original_states() const {
  if (inputs_.reference == nullptr) throw Error("internal: this method has no reference");
  if (!original_states_.defined()) original_states_ = inputs_.reference->states(pairs_);
  return original_states_;
}

Head ResponseBatch::original_head() const {
  if (inputs_.reference == nullptr) throw Error("internal: this method has no reference");
  return inputs_.reference->head();
}

at::Tensor mean_over_tokens(const at::Tensor& each, std::span<const ResponseSpan> responses) {
  std::int64_t tokens = 0;
  for (const ResponseSpan& span : responses) tokens += span.size();
  return sum_of_each(each, responses).sum() / static_cast<double>(tokens);
}

at::Tensor sum_of_each(const at::Tensor& each, std::span<const ResponseSpan> responses) {
  std::vector<at::Tensor> sums;
  for (const ResponseSpan& span : responses) sums.push_back(each.slice(0, span.begin, span.end).sum(at::kDouble));
  return at::stack(sums);
}

at::Tensor mean_of_each(const at::Tensor& each, std::span<const ResponseSpan> responses) {
  std::vector<at::Tensor> means;
  for (const ResponseSpan& span : responses) means.push_back(each.slice(0, span.begin, span.end).mean(at::kDouble));
  return at::stack(means);
}

at::Tensor ForgetRetainObjective::retain(const ResponseBatch& batch) {
  const std::int64_t tokens = batch.states.size(0);
  const at::Tensor weights = at::full({tokens}, 1.0 / static_cast<double>(tokens));
  if (settings_.retain_loss == RetainLoss::kl)
    return kl_divergence(batch.states, batch.head, batch.original_states(), batch.original_head(), weights).total;
  return cross_entropy(batch.states, batch.head, batch.targets, weights).total;
}

at::Tensor ForgetRetainObjective::states(const PackedExamples& packed) const {
  return response_states(inputs_.model.hidden(packed.batch), packed);
}

StepLoss ForgetRetainObjective::loss(std::uint64_t micro) {
  const StepRows rows = inputs_.rows(micro);
  const bool retains_now = has_retain_loss(settings_) && !rows.normal.empty();
  const ForgetRetainPack pack = pack_forget_retain(rows, inputs_.examples, inputs_.model, retains_now);
  // Dropout would enter a divergence as noise: the reference has none.
  inputs_.model.adapters.dropout_tokens =
      settings_.retain_loss == RetainLoss::ce ? pack.packed.batch.ids.size(0) : pack.harmful_tokens;
  const at::Tensor states = this->states(pack.packed);
  const auto part = [&](std::int64_t begin, std::int64_t end, const auto& own, const auto& preferred,
                        const auto& pairs) {
    return ResponseBatch(states.slice(0, begin, end), pack.packed.targets.slice(0, begin, end), inputs_.model.head(),
                         own, preferred, pairs, inputs_);
  };
  StepLoss result;
  result.tokens = pack.packed.real_tokens;
  const auto add = [&](const std::string& name, const at::Tensor& value, double weight) {
    const at::Tensor term = value * weight;
    result.loss = result.loss.defined() ? result.loss + term : term;
    result.terms[name] = value.detach();
  };
  const ResponseBatch harmful = part(0, pack.harmful_responses, pack.own, pack.preferred, pack.harmful);
  add("forget", forget(harmful), forget_weight(micro));
  if (settings_.safe) add("safe", mean_over_tokens(harmful.losses(), harmful.preferred), *settings_.safe);
  result.forget = result.loss;
  if (retains_now) {
    const ResponseBatch normal =
        part(pack.harmful_responses, states.size(0), pack.normal_spans, std::vector<ResponseSpan>{}, pack.normal);
    const at::Tensor term = retain(normal);
    result.retain = term * retain_weight(micro);
    result.loss = result.forget + result.retain;
    result.terms["retain"] = term.detach();
  }
  return result;
}

std::vector<std::string> ForgetRetainObjective::terms() const {
  std::vector<std::string> names = {"forget"};
  if (settings_.safe) names.push_back("safe");
  if (has_retain_loss(settings_)) names.push_back("retain");
  return names;
}

std::map<std::string, std::string> ForgetRetainObjective::advice() const {
  const std::string more = "lower training.lr, take fewer training.steps, or raise objective.retain";
  return {{"safe", more}, {"retain", more}};
}

std::string ForgetRetainObjective::gentler() const {
  return "fewer training.steps, a smaller training.lr or a larger objective.retain";
}

}  // namespace lethe
