#include "runs/task_vector.h"

#include <c10/core/GradMode.h>

#include "models/loading.h"
#include "vectors/negate.h"
#include "vectors/tensors.h"

namespace lethe {

TaskVector::TaskVector(CausalLM& model, const Checkpoint& base, const std::vector<NamedLora>& pairs)
    : model_(model), base_(base), pairs_(pairs) {
  for (const NamedLora& lora : pairs_) scales_.push_back(lora.pair->scale);
  if (!pairs_.empty()) return;
  for (const Parameter& parameter : model_.parameters()) trained_[parameter.name] = parameter.tensor->detach().clone();
}

void TaskVector::apply(double scale) {
  const c10::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < pairs_.size(); ++i) pairs_[i].pair->scale = scale * scales_[i];
  if (!pairs_.empty()) return;
  for (const Parameter& parameter : model_.parameters()) {
    const StoredTensor& stored = stored_parameter(base_, model_.spec(), parameter.name);
    const at::Tensor original = tensor_over(stored, base_.values(stored)).to(parameter.tensor->device(), at::kFloat);
    const at::Tensor delta = trained_.at(parameter.name).to(at::kFloat) - original;
    parameter.tensor->copy_(original + scale * delta);
  }
}

void TaskVector::restore_trained() {
  const c10::NoGradGuard no_gradient;
  for (const Parameter& parameter : model_.parameters()) parameter.tensor->copy_(trained_.at(parameter.name));
}

void TaskVector::write(double scale, const std::filesystem::path& folder, const Recipe& recipe) {
  if (!pairs_.empty()) {
    write_adapter(pairs_, recipe.lora, recipe.model, folder, scale);
    return;
  }
  restore_trained();
  negate_checkpoint(base_, weights_by_name(model_), -scale, folder);
  apply(scale);
}

void TaskVector::write_trained(const std::filesystem::path& folder, const Recipe& recipe) {
  if (!pairs_.empty()) {
    write_adapter(pairs_, recipe.lora, recipe.model, folder, 1.0, Access::owner_only);
    return;
  }
  restore_trained();
  write_like(base_, model_, folder, {.access = Access::owner_only});
}

}  // namespace lethe
