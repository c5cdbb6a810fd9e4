#include "objectives/gru.h"

#include <utility>

namespace lethe {
namespace {

constexpr double kShareOfNew = 0.8;

/// Adds the gradients of `loss` to the sums. They pass through .grad(), since layers that are recomputed give theirs
/// only there.
void add_gradients(const at::Tensor& loss, const std::vector<at::Tensor>& trained, bool keep_graph,
                   std::vector<at::Tensor>& sums) {
  if (!loss.defined() || !loss.requires_grad()) return;
  loss.backward({}, keep_graph);
  for (std::size_t i = 0; i < trained.size(); ++i) {
    const at::Tensor gradient = trained[i].grad();
    if (!gradient.defined()) continue;
    sums[i] = sums[i].defined() ? sums[i] + gradient : gradient;
    trained[i].mutable_grad() = at::Tensor();
  }
}

at::Tensor inner_product(const at::Tensor& a, const at::Tensor& b) {
  return (a * b).sum(at::kDouble);
}

}  // namespace

GruObjective::GruObjective(std::unique_ptr<Objective> inner, std::vector<at::Tensor> trained, std::int64_t accumulate)
    : inner_(std::move(inner)), trained_(std::move(trained)), accumulate_(accumulate) {
  for (const at::Tensor& tensor : trained_) average_.push_back(at::zeros_like(tensor.detach()));
}

StepLoss GruObjective::loss(std::uint64_t micro) {
  const auto place = static_cast<std::int64_t>(micro % static_cast<std::uint64_t>(accumulate_));
  if (place == 0) {
    forget_.assign(trained_.size(), {});
    retain_.assign(trained_.size(), {});
  }
  StepLoss result = inner_->loss(micro);
  add_gradients(std::exchange(result.forget, {}), trained_, result.retain.defined(), forget_);
  add_gradients(std::exchange(result.retain, {}), trained_, false, retain_);
  if (result.loss.defined()) result.loss = result.loss.detach();
  if (place + 1 < accumulate_) return result;
  const at::Tensor correction = corrected_loss();
  if (correction.defined() && result.loss.defined()) result.loss = result.loss + correction;
  return result;
}

// A scalar of value 0 whose gradient is the step's, by the rule.
at::Tensor GruObjective::corrected_loss() {
  next_average_.clear();
  at::Tensor product, square;
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    next_average_.push_back((1 - kShareOfNew) * average_[i]);
    if (retain_[i].defined()) next_average_.back().add_(retain_[i], kShareOfNew / static_cast<double>(accumulate_));
    const at::Tensor norm = inner_product(next_average_.back(), next_average_.back());
    square = square.defined() ? square + norm : norm;
    if (!forget_[i].defined()) continue;
    const at::Tensor overlap = inner_product(forget_[i], next_average_.back());
    product = product.defined() ? product + overlap : overlap;
  }
  if (!product.defined()) product = at::zeros_like(square);
  const at::Tensor share = at::where(product < 0, product / square, at::zeros_like(product));
  at::Tensor loss;
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    if (!forget_[i].defined() && !retain_[i].defined()) continue;  // not part of this step, as without the rule
    at::Tensor gradient = next_average_[i] * -share.to(next_average_[i].scalar_type());
    if (forget_[i].defined()) gradient = gradient + forget_[i];
    if (retain_[i].defined()) gradient = gradient + retain_[i];
    const at::Tensor along = (trained_[i] * gradient).sum();
    loss = loss.defined() ? loss + along : along;
  }
  return loss.defined() ? loss - loss.detach() : loss;
}

NamedTensors GruObjective::state() {
  NamedTensors state = inner_->state();
  for (std::size_t i = 0; i < average_.size(); ++i) state.emplace_back("gru." + std::to_string(i), average_[i]);
  return state;
}

void GruObjective::stepped(const std::map<std::string, double>& terms) {
  for (std::size_t i = 0; i < next_average_.size(); ++i) average_[i].copy_(next_average_[i]);
  inner_->stepped(terms);
}

}  // namespace lethe
