#include "nn/linear.h"

#include <ATen/Context.h>

#include <algorithm>
#include <mutex>

#include "core/random.h"
#include "nn/matmul.h"

namespace lethe {
namespace {

/// Draws the mask on the GPU, seeded from our own stream. Drawing it here and copying it would take longer than the
/// step.
at::Tensor device_mask(const at::Tensor& x, const AdapterMode& mode) {
  const double keep = 1.0 - mode.dropout;
  const std::uint64_t high = mode.randomness->next(), seed = high << 32 | mode.randomness->next();
  at::Tensor mask = at::ones(x.sizes(), x.options().dtype(at::kFloat));
  at::Tensor dropped = mask.slice(0, 0, std::min(mode.dropout_tokens, x.size(0)));
  if (x.is_cuda()) {
    at::Generator generator = at::globalContext().defaultGenerator(x.device());
    const std::lock_guard lock(generator.mutex());
    generator.set_current_seed(seed);
  }
  dropped.bernoulli_(keep).div_(keep);
  return mask;
}

/// Inverted dropout whose mask comes from our own stream, so that a resumed run draws the same one.
at::Tensor dropped_out(const at::Tensor& x, const AdapterMode& mode) {
  if (!x.device().is_cpu()) return x * device_mask(x, mode).to(x.scalar_type());
  at::Tensor mask = at::ones(x.sizes(), at::TensorOptions().dtype(at::kFloat));
  const auto keep = static_cast<float>(1.0 - mode.dropout);
  float* data = mask.data_ptr<float>();
  const std::int64_t last = std::min(mode.dropout_tokens, x.size(0)) * x.size(1);
  for (std::int64_t i = 0; i < last; ++i) data[i] = mode.randomness->uniform() < keep ? 1.0f / keep : 0.0f;
  return x * mask.to(x.scalar_type());
}

}  // namespace

at::Tensor Linear::forward(const at::Tensor& x, const AdapterMode& mode) const {
  at::Tensor y = packed.defined() ? nf4_product(x, packed, bias, transposed)
                                  : matmul_nt(x, transposed ? weight.t() : weight, bias);
  if (!mode.on) return y;
  for (const auto& adapter : adapters) {
    const bool drop = mode.dropout > 0 && mode.randomness != nullptr;
    const at::Tensor input = drop ? dropped_out(x, mode) : x;
    const at::Tensor low = at::linear(input.to(adapter.a.scalar_type()), adapter.a);
    if (y.scalar_type() == low.scalar_type()) {
      y.addmm_(low, adapter.b.t(), 1.0, adapter.scale);  // only this call holds y, and no backward pass needs it
    } else {  // float32 adapter on a 16-bit base: added before rounding, as PEFT does
      y = at::addmm(y.to(low.scalar_type()), low, adapter.b.t(), 1.0, adapter.scale).to(y.scalar_type());
    }
  }
  return y;
}

}  // namespace lethe
