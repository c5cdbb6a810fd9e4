#include "nn/rotary.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensors/device.h"

namespace lethe {
namespace {

using Kind = RotaryOptions::Kind;

/// Rotates; with `back`, the sine is negated and it rotates back. That is the rotation's backward pass.
at::Tensor turned(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, bool back) {
  const std::int64_t half = cosine.size(-1), dimensions = 2 * half;
  const at::Tensor c = cosine.to(x.scalar_type()), s = sine.to(x.scalar_type());
  const at::Tensor first = x.narrow(-1, 0, half), second = x.narrow(-1, half, half);
  at::Tensor out = at::empty(x.sizes(), x.options());
  at::Tensor out_first = out.narrow(-1, 0, half), out_second = out.narrow(-1, half, half);
  at::mul_out(out_first, first, c);
  out_first.addcmul_(second, s, back ? 1 : -1);
  at::mul_out(out_second, second, c);
  out_second.addcmul_(first, s, back ? -1 : 1);
  if (dimensions < x.size(-1)) {
    out.narrow(-1, dimensions, x.size(-1) - dimensions).copy_(x.narrow(-1, dimensions, x.size(-1) - dimensions));
  }
  return out;
}

struct Rotate : torch::autograd::Function<Rotate> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& cosine,
                            const at::Tensor& sine) {
    context->save_for_backward({cosine, sine});
    return turned(x, cosine, sine, false);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    return {turned(gradients[0], saved[0], saved[1], true), at::Tensor(), at::Tensor()};
  }
};

double yarn_magnitude(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

/// transformers computes each step of the frequencies in float32, and models were trained with the result. A more exact
/// step differs by an ulp, which positions in the hundreds amplify to a visible difference in angle.
at::Tensor stretched_llama3(const at::Tensor& frequencies, const RotaryOptions& o) {
  const double positions = static_cast<double>(o.original_max_positions);
  const at::Tensor wavelengths = frequencies.reciprocal().mul(2 * std::numbers::pi);
  const at::Tensor divided =
      at::where(wavelengths > positions / o.low_freq_factor, frequencies / o.factor, frequencies);
  const at::Tensor smooth =
      wavelengths.reciprocal().mul(positions).sub(o.low_freq_factor).div(o.high_freq_factor - o.low_freq_factor);
  const at::Tensor between = smooth.neg().add(1).mul(divided).div(o.factor).add(smooth.mul(divided));
  const at::Tensor is_between = (wavelengths < positions / o.high_freq_factor)
                                    .logical_or(wavelengths > positions / o.low_freq_factor)
                                    .logical_not();
  return at::where(is_between, between, divided);
}

/// @param wavelengths  θ^(2i/d): wavelengths divided by 2π
at::Tensor stretched_yarn(const at::Tensor& wavelengths, const RotaryOptions& o) {
  const auto dimension_of = [&](double rotations) {
    return o.dimensions * std::log(o.original_max_positions / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(o.theta));
  };
  double low = dimension_of(o.beta_fast), high = dimension_of(o.beta_slow);
  if (o.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(o.dimensions - 1));
  if (low == high) high += 0.001;
  const at::Tensor share = at::arange(wavelengths.size(0), at::kFloat).sub(low).div(high - low).clamp(0, 1);
  const at::Tensor kept = share.neg().add(1);
  return wavelengths.mul(o.factor).reciprocal().mul(kept.neg().add(1)).add(wavelengths.reciprocal().mul(kept));
}

/// The base that `dynamic` scales by row length, in float32: transformers holds the length in a tensor.
double stretched_base(const RotaryOptions& o, std::int64_t row_length) {
  const auto length = static_cast<float>(row_length), positions = static_cast<float>(o.max_positions);
  const float stretch = static_cast<float>(o.factor) * length / positions - static_cast<float>(o.factor - 1);
  const float power = static_cast<float>(static_cast<double>(o.dimensions) / static_cast<double>(o.dimensions - 2));
  return static_cast<float>(o.theta) * std::pow(stretch, power);
}

}  // namespace

at::Tensor Rotary::frequencies(std::int64_t row_length) const {
  const auto& o = options_;
  const bool longer = o.length_limit() && row_length > *o.length_limit();
  const double base = o.kind == Kind::dynamic && longer ? stretched_base(o, row_length) : o.theta;
  const at::Tensor shares = at::arange(0, o.dimensions, 2, at::kFloat).div(static_cast<double>(o.dimensions));
  const at::Tensor wavelengths = at::pow(base, shares);  // divided by 2π
  switch (o.kind) {
    case Kind::linear:
      return wavelengths.reciprocal().div(o.factor);
    case Kind::llama3:
      return stretched_llama3(wavelengths.reciprocal(), o);
    case Kind::yarn:
      return stretched_yarn(wavelengths, o);
    case Kind::longrope:
      return wavelengths.mul(at::tensor(longer ? o.long_factors : o.short_factors, at::kFloat)).reciprocal();
    default:
      return wavelengths.reciprocal();
  }
}

double Rotary::magnitude() const {
  const auto& o = options_;
  if (o.kind != Kind::yarn && o.kind != Kind::longrope) return 1.0;
  if (o.attention_factor) return *o.attention_factor;
  if (o.kind == Kind::longrope) {
    return o.factor <= 1 ? 1.0 : std::sqrt(1 + std::log(o.factor) / std::log(o.original_max_positions));
  }
  if (o.mscale.value_or(0) != 0 && o.mscale_all_dim.value_or(0) != 0) {
    return yarn_magnitude(o.factor, *o.mscale) / yarn_magnitude(o.factor, *o.mscale_all_dim);
  }
  return yarn_magnitude(o.factor, 1.0);
}

RotaryAngles Rotary::angles(const at::Tensor& positions, std::int64_t row_length) const {
  const at::Tensor angle =
      positions.to(at::kFloat).unsqueeze(1) * to_device(frequencies(row_length), positions.device()).unsqueeze(0);
  return {angle.cos().mul_(magnitude()).unsqueeze(1), angle.sin().mul_(magnitude()).unsqueeze(1)};
}

RotaryAngles Rotary::angles(const PackedBatch& batch) const {
  const auto limit = options_.length_limit();
  const bool uniform = !limit || std::all_of(batch.segments.begin(), batch.segments.end(),
                                             [&](const Segment& s) { return s.row_length <= *limit; });
  if (uniform) return angles(batch.positions, 0);
  std::vector<at::Tensor> cosines, sines;  // frequencies depend on the row
  for (const auto& segment : batch.segments) {
    const auto part = angles(batch.positions.slice(0, segment.begin, segment.end), segment.row_length);
    cosines.push_back(part.cosine);
    sines.push_back(part.sine);
  }
  return {at::cat(cosines), at::cat(sines)};
}

at::Tensor rotate(const at::Tensor& x, const RotaryAngles& angles) {
  return Rotate::apply(x, angles.cosine, angles.sine);
}

}  // namespace lethe
