#include "runs/task_vector.h"

#include <c10/core/GradMode.h>

#include <limits>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/regex.h"
#include "models/loading.h"
#include "tensors/file_tensors.h"
#include "vectors/low_rank.h"
#include "vectors/negate.h"

namespace lethe {
namespace {

// What α is multiplied by, by a weight's name.
class FactorTable {
 public:
  explicit FactorTable(const std::vector<std::pair<std::string, double>>& factors) {
    for (const auto& [pattern, factor] : factors) entries_.push_back({Regex(pattern), pattern, factor});
  }
  double of(const std::string& name) const {
    for (const Entry& entry : entries_) {
      if (!entry.regex.found_in(name)) continue;
      entry.used = true;
      return entry.factor;
    }
    return 1;
  }
  // A pattern that fits no weight is a mistake that would go unnoticed.
  void check_all_used() const {
    for (const Entry& entry : entries_) {
      if (entry.used) continue;
      throw bad_usage("cannot use negation.factors").with("pattern", excerpt(entry.pattern)).found("no weight for it");
    }
  }

 private:
  struct Entry {
    Regex regex;
    std::string pattern;
    double factor;
    mutable bool used = false;
  };
  std::vector<Entry> entries_;
};

}  // namespace

TaskVector::TaskVector(CausalLM& model, const Checkpoint& base, const std::vector<NamedLora>& pairs)
    : model_(model), base_(base), pairs_(pairs) {
  for (const NamedLora& lora : pairs_) scales_.push_back(lora.pair->scale);
  if (!pairs_.empty()) return;
  for (const Parameter& parameter : model_.parameters()) trained_[parameter.name] = parameter.tensor->detach().clone();
}

at::Tensor TaskVector::original(const Parameter& parameter) const {
  const StoredTensor& stored = stored_parameter(base_, model_.spec(), parameter.name);
  return tensor_over(stored, base_.values(stored)).to(parameter.tensor->device(), at::kFloat);
}

void TaskVector::shape(const NegationSettings& settings) {
  if (settings.factors.empty() && settings.rank == 0) return;
  const c10::NoGradGuard no_gradient;
  const FactorTable factors(settings.factors);
  const std::int64_t rank = settings.rank == 0 ? std::numeric_limits<std::int64_t>::max() : settings.rank;
  for (const NamedLora& lora : pairs_) {
    stop_if_interrupted();
    const at::Tensor strongest = low_rank_of_product(lora.pair->b, lora.pair->a, rank);
    lora.pair->b.copy_(factors.of(lora.module) * strongest);
  }
  if (pairs_.empty()) {
    for (const Parameter& parameter : model_.parameters()) {
      stop_if_interrupted();
      at::Tensor& trained = trained_.at(parameter.name);
      const at::Tensor before = original(parameter);
      trained = (before + factors.of(parameter.name) * low_rank(trained.to(at::kFloat) - before, rank))
                    .to(trained.scalar_type());
    }
  }
  factors.check_all_used();
}

void TaskVector::retake() {
  const c10::NoGradGuard no_gradient;
  // An adapter's sign and size go into B, so that its scale stays what its configuration says.
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    pairs_[i].pair->b.mul_(pairs_[i].pair->scale / scales_[i]);
    pairs_[i].pair->scale = scales_[i];
  }
  if (!pairs_.empty()) return;
  for (const Parameter& parameter : model_.parameters()) trained_[parameter.name] = parameter.tensor->detach().clone();
}

void TaskVector::apply(double scale) {
  const c10::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < pairs_.size(); ++i) pairs_[i].pair->scale = scale * scales_[i];
  if (!pairs_.empty()) return;
  for (const Parameter& parameter : model_.parameters()) {
    stop_if_interrupted();
    const at::Tensor before = original(parameter);
    parameter.tensor->copy_(before + scale * (trained_.at(parameter.name).to(at::kFloat) - before));
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
