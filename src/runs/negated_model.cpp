#include "runs/negated_model.h"

#include <c10/core/GradMode.h>

#include "models/loading.h"
#include "vectors/negate.h"
#include "vectors/tensors.h"

namespace lethe {

NegatedModel::NegatedModel(CausalLM& model, const Checkpoint& base, const std::vector<NamedLora>& pairs)
    : model_(model), base_(base), pairs_(pairs) {
  for (const NamedLora& lora : pairs_) scales_.push_back(lora.pair->scale);
  if (!pairs_.empty()) return;
  for (const Parameter& parameter : model_.parameters()) harmful_[parameter.name] = parameter.tensor->detach().clone();
}

void NegatedModel::set(double alpha) {
  const c10::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < pairs_.size(); ++i) pairs_[i].pair->scale = -alpha * scales_[i];
  if (!pairs_.empty()) return;
  for (const Parameter& parameter : model_.parameters()) {
    const StoredTensor& stored = stored_parameter(base_, model_.spec(), parameter.name);
    const at::Tensor original = tensor_over(stored, base_.values(stored)).to(parameter.tensor->device(), at::kFloat);
    const at::Tensor delta = harmful_.at(parameter.name).to(at::kFloat) - original;
    parameter.tensor->copy_(original - alpha * delta);
  }
}

void NegatedModel::restore_harmful() {
  const c10::NoGradGuard no_gradient;
  for (const Parameter& parameter : model_.parameters()) parameter.tensor->copy_(harmful_.at(parameter.name));
}

void NegatedModel::write(double alpha, const std::filesystem::path& folder, const Recipe& recipe) {
  if (!pairs_.empty()) {
    write_adapter(pairs_, recipe.lora, recipe.model, folder, -alpha);
    return;
  }
  restore_harmful();
  negate_checkpoint(base_, weights_by_name(model_), alpha, folder);
  set(alpha);
}

void NegatedModel::write_harmful(const std::filesystem::path& folder, const Recipe& recipe) {
  if (!pairs_.empty()) {
    write_adapter(pairs_, recipe.lora, recipe.model, folder, 1.0, Access::owner_only);
    return;
  }
  restore_harmful();
  write_like(base_, model_, folder, {.access = Access::owner_only});
}

}  // namespace lethe
