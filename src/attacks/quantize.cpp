#include "attacks/quantize.h"

#include <c10/core/GradMode.h>

#include <array>
#include <chrono>

#include "attacks/measure_attacked.h"
#include "core/interrupt.h"
#include "core/seconds_since.h"
#include "nn/nf4.h"

namespace lethe {
namespace {

struct Rounding {
  const char* name;
  std::int64_t bits, group;  // 0 bits: NF4
};
constexpr std::array<Rounding, 3> kRoundings = {{{"nf4", 0, 64}, {"int8", 8, 0}, {"int4", 4, 128}}};

class Quantization : public Attack {
 public:
  explicit Quantization(const AttackInputs& inputs) : inputs_(inputs) {}

  std::vector<std::string> parts() const override {
    std::vector<std::string> names;
    for (const Rounding& rounding : kRoundings) names.emplace_back(rounding.name);
    return names;
  }

  std::vector<AttackOutcome> run(std::size_t part, const AttackedModel& victim) const override {
    const Rounding& rounding = kRoundings.at(part);
    CausalLM model = victim.load();
    const auto start = std::chrono::steady_clock::now();
    round_weights(model, rounding);
    AttackOutcome outcome;
    outcome.settings = {{"format", rounding.name}};
    outcome.seconds = seconds_since(start);
    measure_attacked(outcome, model, inputs_, victim, "quantize", rounding.name,
                     std::string("quantize-") + rounding.name);
    return {std::move(outcome)};
  }

 private:
  static void round_weights(CausalLM& model, const Rounding& rounding) {
    const c10::NoGradGuard no_gradient;
    for (const Parameter& parameter : model.parameters()) {
      if (parameter.linear == nullptr) continue;
      stop_if_interrupted();
      at::Tensor& weight = *parameter.tensor;
      const at::Tensor rounded =
          rounding.bits == 0 ? to_nf4(weight).values(weight.scalar_type())
                             : round_to_nearest(weight, rounding.bits, rounding.group, parameter.linear->transposed);
      weight.copy_(rounded);
    }
  }

  const AttackInputs& inputs_;
};

}  // namespace

at::Tensor round_to_nearest(const at::Tensor& weight, std::int64_t bits, std::int64_t group, bool transposed) {
  const at::Tensor rows = (transposed ? weight.t() : weight).to(at::kFloat);
  const double most = static_cast<double>((std::int64_t{1} << (bits - 1)) - 1);
  const std::int64_t in = rows.size(1), width = group == 0 ? in : group;
  at::Tensor rounded = at::empty_like(rows, at::MemoryFormat::Contiguous);
  for (std::int64_t begin = 0; begin < in; begin += width) {
    const std::int64_t count = std::min(width, in - begin);
    const at::Tensor part = rows.narrow(1, begin, count);
    const at::Tensor scale = part.abs().amax(1, /*keepdim=*/true) / most;
    const at::Tensor levels = (part / scale).round().clamp(-most, most);
    rounded.narrow(1, begin, count).copy_(at::where(scale > 0, levels * scale, at::zeros_like(part)));
  }
  return (transposed ? rounded.t() : rounded).to(weight.scalar_type());
}

std::unique_ptr<Attack> make_quantize(const AttackInputs& inputs) {
  return std::make_unique<Quantization>(inputs);
}

}  // namespace lethe
