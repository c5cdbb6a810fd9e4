#include "models/nf4_change.h"

#include <c10/core/GradMode.h>

#include <cmath>

#include "core/error.h"
#include "core/messages.h"
#include "models/causal_lm.h"
#include "models/loading.h"
#include "nn/nf4.h"
#include "report/table.h"
#include "tensors/file_tensors.h"
#include "vectors/tuned_tensors.h"

namespace lethe {
namespace {

at::Tensor float_values(const Checkpoint& checkpoint, const StoredTensor& tensor) {
  return tensor_over(tensor, checkpoint.values(tensor)).to(at::kFloat);
}

/// Bytes hold two codes.
std::uint64_t differing_codes(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor difference = a.bitwise_xor(b);
  const auto differing = [&](int half) {
    return static_cast<std::uint64_t>(difference.bitwise_and(half).count_nonzero().item<std::int64_t>());
  };
  return differing(0xF0) + differing(0x0F);
}

double product(const at::Tensor& a, const at::Tensor& b) {
  return (a * b).sum(at::kDouble).item<double>();
}

}  // namespace

void Nf4Change::add(const at::Tensor& original, const at::Tensor& changed) {
  const c10::NoGradGuard no_gradient;
  const Nf4Matrix before = to_nf4(original), after = to_nf4(changed);
  const at::Tensor delta = changed.to(at::kFloat) - original.to(at::kFloat);
  const at::Tensor left = after.values(at::kFloat) - before.values(at::kFloat), error = left - delta;
  weights += static_cast<std::uint64_t>(original.numel());
  other_code += differing_codes(before.codes, after.codes);
  along += product(left, delta);
  length2 += product(delta, delta);
  error2 += product(error, error);
}

double Nf4Change::code_share() const {
  return weights == 0 ? 0 : static_cast<double>(other_code) / static_cast<double>(weights);
}

double Nf4Change::kept() const {
  return length2 > 0 ? along / length2 : 0;
}

double Nf4Change::noise() const {
  return length2 > 0 ? std::sqrt(error2 / length2) : 0;
}

std::string Nf4Change::text() const {
  return percent(code_share()) + " of " + with_commas(weights) + " weights change their code; on average " +
         percent(kept()) + " of the change is left, under rounding errors " + fixed(noise(), 1) + " times as large";
}

Nf4Change nf4_change(const Checkpoint& original, const Checkpoint& changed, const AppliedAdapters* adapters) {
  refuse_packed_weights(original);
  refuse_packed_weights(changed);
  CausalLM model(decoder_spec(original.config(), (original.folder() / "config.json").string()));
  const std::vector<Parameter> parameters = model.parameters();
  Nf4Change result;
  Progress progress("comparing in NF4", parameters.size(), "tensors");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].linear != nullptr) {
      const StoredTensor &before = stored_parameter(original, model.spec(), parameters[i].name),
                         &after = stored_parameter(changed, model.spec(), parameters[i].name);
      if (before.shape != after.shape) throw shapes_differ("cannot compare in NF4", original, before, after.text());
      at::Tensor value = float_values(changed, after);
      if (adapters != nullptr && adapters->changes(after.name)) value = adapters->apply(after.name, value);
      result.add(float_values(original, before), value);
      original.release(before);
      changed.release(after);
    }
    progress.update(i + 1);
  }
  return result;
}

Nf4Change nf4_change_of(const Checkpoint& original, const std::filesystem::path& result, bool is_adapter) {
  if (!is_adapter) return nf4_change(original, Checkpoint(result));
  const Adapter adapter(result);
  const AppliedAdapters merged(original, {{&adapter, 1}});
  return nf4_change(original, original, &merged);
}

}  // namespace lethe
