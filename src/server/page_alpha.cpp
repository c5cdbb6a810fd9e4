#include "server/page_alpha.h"

#include <c10/core/GradMode.h>

#include <limits>

#include "core/messages.h"
#include "models/loading.h"
#include "tensors/file_tensors.h"

namespace lethe {
namespace {

// A tensor of a checkpoint, memory-mapped.
at::Tensor mapped(const Checkpoint& checkpoint, const DecoderSpec& spec, const std::string& name) {
  const StoredTensor& stored = stored_parameter(checkpoint, spec, name);
  return tensor_over(stored, checkpoint.values(stored), checkpoint.owner(stored));
}

// B with the columns of each half multiplied. Factors of 1 keep all bits.
at::Tensor with_halves(const at::Tensor& b, VectorParts parts) {
  const std::int64_t half = b.size(1) / 2;
  return at::cat({b.narrow(1, 0, half) * parts.safe, b.narrow(1, half, b.size(1) - half) * parts.harm}, 1);
}

}  // namespace

AlphaDial::AlphaDial(const ComparedRun& run, const std::filesystem::path& original, const Compute& compute)
    : original_(original), compute_(compute), stored_alpha_(run.alpha), alpha_(run.alpha) {
  if (run.recipe.tuning == TuningKind::lora) {
    adapter_folder_ = run.folder / "adapter";
  } else {
    tuned_ = std::make_unique<Checkpoint>(run.folder / "model");
  }
}

void AlphaDial::attach(CausalLM& model) {
  if (tuned_) return;  // loaded from the run's own files
  // The weights in memory have the adapter merged. Here they are the original's, mapped where that is possible.
  model = load_model(original_, {.device = compute_.device, .dtype = compute_.dtype, .mapped = true});
  const Adapter adapter(adapter_folder_);
  pairs_ = attach_lora(model, adapter);
  for (const NamedLora& lora : pairs_) stored_.push_back(*lora.pair);
}

void AlphaDial::set(CausalLM& model, double alpha, VectorParts parts) {
  if (alpha == alpha_ && parts == parts_) return;
  const c10::NoGradGuard no_gradient;
  const double ratio = alpha / stored_alpha_;  // exactly 1 at the stored α
  alpha_ = std::numeric_limits<double>::quiet_NaN();
  try {
    apply(model, ratio, parts);
  } catch (...) {  // some tensors have the new α, others the old one
    apply(model, 1, {});
    alpha_ = stored_alpha_;
    parts_ = {};
    throw;
  }
  alpha_ = alpha;
  parts_ = parts;
}

void AlphaDial::apply(CausalLM& model, double ratio, VectorParts parts) {
  if (tuned_) {
    compute_weights(model, ratio);
  } else {
    scale_adapters(ratio, parts);
  }
}

void AlphaDial::scale_adapters(double ratio, VectorParts parts) {
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    pairs_[i].pair->scale = stored_[i].scale * ratio;
    pairs_[i].pair->b = parts == VectorParts{} ? stored_[i].b : with_halves(stored_[i].b, parts);
  }
}

void AlphaDial::compute_weights(CausalLM& model, double ratio) {
  const std::vector<Parameter> parameters = model.parameters();
  Progress progress("setting alpha", parameters.size(), "tensors");
  std::size_t done = 0;
  for (const Parameter& parameter : parameters) {
    const at::Tensor before = mapped(original_, model.spec(), parameter.name),
                     after = mapped(*tuned_, model.spec(), parameter.name);
    // A new tensor takes the place of the old one, which may be memory-mapped.
    if (ratio == 0 || ratio == 1) {
      *parameter.tensor = (ratio == 0 ? before : after).to(compute_.device, compute_.dtype);
    } else {
      const at::Tensor origin = before.to(at::kFloat), value = origin + ratio * (after.to(at::kFloat) - origin);
      const at::Tensor rounded = at::empty(value.sizes(), value.options().dtype(compute_.dtype));
      if (!copy_finite(value, rounded)) throw not_finite(parameter.name, "cannot set alpha");
      *parameter.tensor = rounded.to(compute_.device);
    }
    progress.update(++done);
  }
}

}  // namespace lethe
