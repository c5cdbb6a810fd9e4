#include "nn/rotary.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nn/device.h"

namespace lethe {
namespace {

using Kind = RotaryOptions::Kind;

/// The rotation by angle and its inverse are the same code with the sine's sign turned: the backward of a rotation is
/// the rotation back.
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

void stretch_llama3(std::vector<double>& frequencies, const RotaryOptions& o) {
  const double low_wavelength = o.original_max_positions / o.low_freq_factor;
  const double high_wavelength = o.original_max_positions / o.high_freq_factor;
  for (double& frequency : frequencies) {
    const double wavelength = 2 * std::numbers::pi / frequency;
    if (wavelength < high_wavelength) continue;
    if (wavelength > low_wavelength) {
      frequency /= o.factor;
    } else {
      const double smooth =
          (o.original_max_positions / wavelength - o.low_freq_factor) / (o.high_freq_factor - o.low_freq_factor);
      frequency = (1 - smooth) * frequency / o.factor + smooth * frequency;
    }
  }
}

void stretch_yarn(std::vector<double>& frequencies, const RotaryOptions& o) {
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
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double stretched = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = frequencies[i] / o.factor * stretched + frequencies[i] * (1 - stretched);
  }
}

at::Tensor as_tensor(const std::vector<double>& frequencies, const at::Tensor& like) {
  return to_device(at::tensor(frequencies, at::kFloat), like.device());
}

}  // namespace

std::vector<double> Rotary::frequencies(std::int64_t row_length) const {
  const auto& o = options_;
  double theta = o.theta;
  if (o.kind == Kind::dynamic && row_length > o.max_positions) {
    const double stretch = o.factor * row_length / o.max_positions - (o.factor - 1);
    theta *= std::pow(stretch, static_cast<double>(o.dimensions) / (o.dimensions - 2));
  }
  std::vector<double> result((o.dimensions + 1) / 2);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = std::pow(theta, -2.0 * i / o.dimensions);
  if (o.kind == Kind::linear) {
    for (double& frequency : result) frequency /= o.factor;
  } else if (o.kind == Kind::llama3) {
    stretch_llama3(result, o);
  } else if (o.kind == Kind::yarn) {
    stretch_yarn(result, o);
  } else if (o.kind == Kind::longrope) {
    const auto& factors = row_length > o.original_max_positions ? o.long_factors : o.short_factors;
    for (std::size_t i = 0; i < result.size(); ++i) result[i] /= factors.at(i);
  }
  return result;
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
      positions.to(at::kFloat).unsqueeze(1) * as_tensor(frequencies(row_length), positions).unsqueeze(0);
  return {angle.cos().mul_(magnitude()).unsqueeze(1), angle.sin().mul_(magnitude()).unsqueeze(1)};
}

RotaryAngles Rotary::angles(const PackedBatch& batch) const {
  const auto limit = options_.length_limit();
  const bool uniform = !limit || std::all_of(batch.segments.begin(), batch.segments.end(),
                                             [&](const Segment& s) { return s.row_length <= *limit; });
  if (uniform) return angles(batch.positions, 0);
  std::vector<at::Tensor> cosines, sines;  // frequencies go by row
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
