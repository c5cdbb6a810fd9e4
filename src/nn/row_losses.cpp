#include "nn/row_losses.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <optional>

#include "nn/head.h"
#include "nn/matmul.h"

namespace lethe {
using namespace head_chunks;
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The losses of some rows, and their gradients with respect to the logits.
struct RowsLoss {
  at::Tensor loss;      ///< [n]
  at::Tensor gradient;  ///< [n, V]; undefined if none is wanted
};

/// @param logits    [n, V], may be overwritten
/// @param begin     number of the first row
using RowsFunction = std::function<RowsLoss(at::Tensor logits, std::int64_t begin, bool want_gradient)>;

RowsFunction rows_function(const LogitFormula& formula) {
  return [formula](const at::Tensor& logits, std::int64_t begin, bool want_gradient) -> RowsLoss {
    const std::int64_t end = begin + logits.size(0);
    if (!want_gradient) return {formula(logits, begin, end), {}};
    const at::AutoGradMode with_gradient(true);
    const at::Tensor leaf = logits.detach().requires_grad_(true);
    const at::Tensor loss = formula(leaf, begin, end);
    // Each loss depends on its own row alone, so the gradient of their sum holds that of each.
    return {loss.detach(), torch::autograd::grad({loss.sum()}, {leaf})[0]};
  };
}

RowsFunction cross_entropy_rows(const at::Tensor& targets) {
  return [targets](at::Tensor logits, std::int64_t begin, bool want_gradient) -> RowsLoss {
    const at::Tensor wanted = targets.slice(0, begin, begin + logits.size(0)).unsqueeze(1);
    const at::Tensor normaliser = at::logsumexp(logits, {1}, true);
    const at::Tensor loss = (normaliser - logits.gather(1, wanted)).squeeze(1);
    if (!want_gradient) return {loss, {}};
    logits.sub_(normaliser).exp_();
    logits.scatter_add_(1, wanted, at::full_like(normaliser, -1.0));  // softmax − onehot
    return {loss, logits};
  };
}

/// Computes the losses of one chunk; `logits` becomes their gradients with respect to the raw products.
at::Tensor losses_of_chunk(at::Tensor& logits, const Head& head, const RowsFunction& rows, std::int64_t begin,
                           bool want_gradient) {
  at::Tensor losses = at::empty({logits.size(0)}, logits.options());
  for_strips(logits, [&](std::int64_t first, std::int64_t last) {
    at::Tensor strip = logits.slice(0, first, last);
    finish_logits(strip, head);
    const at::Tensor before = want_gradient && head.softcap > 0 ? strip.clone() : at::Tensor();
    RowsLoss result = rows(strip, begin + first, want_gradient);
    losses.slice(0, first, last).copy_(result.loss);
    if (!want_gradient) return;
    unfinish_gradient(result.gradient, before, head);
    if (!result.gradient.is_same(strip)) strip.copy_(result.gradient);
  });
  return losses;
}

/// What the backward pass needs to compute the head's gradient.
struct KeptHead : torch::CustomClassHolder {
  KeptHead(Head head, RowsFunction rows, std::int64_t chunk)
      : head(std::move(head)), rows(std::move(rows)), chunk(chunk) {}
  Head head;
  RowsFunction rows;
  std::int64_t chunk;
};

struct LossOfEach : torch::autograd::Function<LossOfEach> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, const Head& head, const RowsFunction& rows,
                            std::int64_t chunk) {
    const bool to_hidden = hidden.requires_grad();
    const bool to_bias = bias.has_value() && bias->requires_grad();
    const std::int64_t n = hidden.size(0);
    at::Tensor each = at::empty({n}, hidden.options().dtype(wide(hidden)));
    const at::Tensor grad_hidden = to_hidden ? at::empty_like(hidden) : at::Tensor();  // of each row's own loss
    for (std::int64_t begin = 0; begin < n; begin += chunk) {
      const std::int64_t end = std::min(begin + chunk, n);
      at::Tensor logits = raw_logits(hidden.slice(0, begin, end), head);
      each.slice(0, begin, end).copy_(losses_of_chunk(logits, head, rows, begin, to_hidden));
      if (to_hidden) grad_hidden.slice(0, begin, end).copy_(matmul_nn(logits.to(hidden.scalar_type()), head.weight));
    }
    const bool to_head = weight.requires_grad() || to_bias;
    context->save_for_backward({grad_hidden, to_head ? hidden : at::Tensor()});
    if (to_head)
      context->saved_data["head"] = c10::IValue::make_capsule(c10::make_intrusive<KeptHead>(head, rows, chunk));
    context->saved_data["to_weight"] = weight.requires_grad();
    context->saved_data["to_bias"] = to_bias;
    return each;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor scale = gradients[0].unsqueeze(1);  // [N, 1]
    at::Tensor grad_hidden, grad_weight, grad_bias;
    if (saved[0].defined()) grad_hidden = saved[0] * scale.to(saved[0].scalar_type());
    if (const at::Tensor& hidden = saved[1]; hidden.defined()) {
      const auto capsule = context->saved_data["head"].toCapsule();
      const auto& kept = static_cast<const KeptHead&>(*capsule);
      if (context->saved_data["to_weight"].toBool()) grad_weight = weight_gradient(kept.head.weight);
      if (context->saved_data["to_bias"].toBool()) grad_bias = at::zeros_like(kept.head.bias);
      for (std::int64_t begin = 0; begin < hidden.size(0); begin += kept.chunk) {
        const std::int64_t end = std::min(begin + kept.chunk, hidden.size(0));
        const at::Tensor part = hidden.slice(0, begin, end);
        at::Tensor logits = raw_logits(part, kept.head);
        losses_of_chunk(logits, kept.head, kept.rows, begin, /*want_gradient=*/true);
        const at::Tensor gradient = logits.mul_(scale.slice(0, begin, end)).to(hidden.scalar_type());
        if (grad_weight.defined())
          add_weight_gradient(grad_weight, gradient.to(kept.head.weight.scalar_type()), part, /*first=*/begin == 0);
        if (grad_bias.defined()) grad_bias.add_(gradient.sum(0));
      }
      if (grad_weight.defined() && hidden.size(0) == 0) grad_weight.zero_();
    }
    return {grad_hidden, grad_weight, grad_bias, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor each_loss(const at::Tensor& hidden, const Head& head, const RowsFunction& rows,
                     const ChunkOptions& options) {
  return LossOfEach::apply(hidden, head.weight,
                           head.bias.defined() ? std::optional<at::Tensor>(head.bias) : std::nullopt, detached(head),
                           rows, chunk_rows(head, options));
}

}  // namespace

at::Tensor loss_of_each(const at::Tensor& hidden, const Head& head, const LogitFormula& formula,
                        const ChunkOptions& options) {
  return each_loss(hidden, head, rows_function(formula), options);
}

at::Tensor cross_entropy_of_each(const at::Tensor& hidden, const Head& head, const at::Tensor& targets,
                                 const ChunkOptions& options) {
  return each_loss(hidden, head, cross_entropy_rows(targets), options);
}

}  // namespace lethe
