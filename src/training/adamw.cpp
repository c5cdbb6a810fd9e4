#include "training/adamw.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <functional>
#include <optional>

namespace lethe {
namespace {

struct GradientHook : torch::autograd::PostAccumulateGradHook {
  explicit GradientHook(std::function<void()> action) : action_(std::move(action)) {}
  void operator()(const torch::autograd::Variable&) override { action_(); }

 private:
  std::function<void()> action_;
};

}  // namespace

AdamW::AdamW(std::vector<at::Tensor> parameters, const AdamWOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  const c10::NoGradGuard no_gradient;
  for (const auto& parameter : parameters_) {
    const bool narrow = parameter.scalar_type() == at::kBFloat16 || parameter.scalar_type() == at::kHalf;
    masters_.push_back(narrow ? parameter.detach().to(at::kFloat) : parameter.detach());
    first_.push_back(at::zeros_like(masters_.back()));
    second_.push_back(at::zeros_like(masters_.back()));
    steps_.push_back(at::zeros({}, at::TensorOptions().dtype(at::kFloat).device(parameter.device())));
  }
}

at::Tensor AdamW::clip_gradients(double limit) {
  const c10::NoGradGuard no_gradient;
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : parameters_) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  if (gradients.empty() && !options_.joint_norm) return {};
  std::vector<at::Tensor> norms;
  if (!gradients.empty()) {
    for (const auto& norm : at::_foreach_norm(gradients)) norms.push_back(norm.to(at::kDouble));
  }
  at::Tensor norm = norms.empty() ? at::zeros({}, at::kDouble) : at::stack(norms).norm();
  if (options_.joint_norm) norm = options_.joint_norm(norm);
  if (limit == 0 || gradients.empty()) return norm;
  // torch.nn.utils.clip_grad_norm_ adds the same 1e-6.
  if (!norm.device().is_cpu()) {
    at::_foreach_mul_(gradients, (limit / (norm + 1e-6)).clamp_max(1).to(at::kFloat));
  } else if (const auto value = norm.item<double>(); value > limit) {  // saves a pass over the gradients
    at::_foreach_mul_(gradients, limit / (value + 1e-6));
  }
  return norm;
}

void AdamW::step(double lr, const at::Tensor& norm) {
  // A group's gradients are freed before the next group's are copied.
  std::vector<std::size_t> numbers;
  std::int64_t size = 0;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    if (!numbers.empty() && size + parameters_[i].numel() > options_.group) {
      step_some(numbers, lr, norm);
      numbers.clear();
      size = 0;
    }
    numbers.push_back(i);
    size += parameters_[i].numel();
  }
  if (!numbers.empty()) step_some(numbers, lr, norm);
}

void AdamW::step_some(const std::vector<std::size_t>& numbers, double lr, const at::Tensor& norm) {
  const c10::NoGradGuard no_gradient;
  // The kernel reads this on its device: 1 skips the update.
  std::optional<at::Tensor> left;
  if (norm.defined()) left = 1 - at::isfinite(norm).to(at::kFloat);
  std::vector<at::Tensor> weights, gradients, first, second, steps;
  for (const std::size_t i : numbers) {
    const at::Tensor gradient = parameters_[i].grad();
    weights.push_back(masters_[i]);
    gradients.push_back(gradient.to(masters_[i].scalar_type()).contiguous());
    first.push_back(first_[i]);
    second.push_back(second_[i]);
    steps.push_back(left ? steps_[i].add_(1 - *left) : steps_[i].add_(1));
  }
  at::_fused_adamw_(weights, gradients, first, second, {}, steps, lr, options_.beta1, options_.beta2,
                    options_.weight_decay, options_.epsilon,
                    /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/{}, left);
  for (const std::size_t i : numbers) {
    if (masters_[i].data_ptr() != parameters_[i].data_ptr()) parameters_[i].detach().copy_(masters_[i]);
    parameters_[i].mutable_grad() = at::Tensor();
  }
}

BackwardSteps::BackwardSteps(AdamW& optimizer, double lr)
    : optimizer_(optimizer), norms_(optimizer.parameters_.size()) {
  for (std::size_t i = 0; i < norms_.size(); ++i) {
    torch::autograd::impl::set_post_acc_grad_hooks(
        optimizer_.parameters_[i], std::make_unique<GradientHook>([this, i, lr] {
          const at::Tensor norm = at::_foreach_norm({optimizer_.parameters_[i].grad()})[0].to(at::kDouble);
          norms_[i] = norm;
          optimizer_.step_some({i}, lr, norm);
        }));
  }
}

BackwardSteps::~BackwardSteps() {
  for (const at::Tensor& parameter : optimizer_.parameters_)
    torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
}

at::Tensor BackwardSteps::gradient_norm() const {
  std::vector<at::Tensor> known;
  for (const at::Tensor& norm : norms_) {
    if (norm.defined()) known.push_back(norm);
  }
  return known.empty() ? at::Tensor() : at::stack(known).norm();
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string number = std::to_string(i);
    state.emplace_back("weight." + number, masters_[i]);
    state.emplace_back("first." + number, first_[i]);
    state.emplace_back("second." + number, second_[i]);
    state.emplace_back("steps." + number, steps_[i]);
  }
  return state;
}

void AdamW::state_changed() {
  const c10::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (masters_[i].data_ptr() != parameters_[i].data_ptr()) parameters_[i].detach().copy_(masters_[i]);
  }
}

}  // namespace lethe
