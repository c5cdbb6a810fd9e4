#include "nn/token_losses.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <utility>

#include "nn/matmul.h"
#include "tensors/device.h"

namespace lethe {
using namespace head_chunks;
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Computes the losses of some positions from their raw products, and overwrites the products with their gradients.
struct PartLoss {
  const Head& head;
  const LossPart& part;

  /// @param logits     [n, V] raw products; become d loss / d raw products
  /// @param reference  [n, V] the original's raw products, overwritten; undefined: cross-entropy
  /// @param begin      first position, within the part
  /// @return losses [n]
  at::Tensor value_and_gradient(at::Tensor logits, at::Tensor reference, std::int64_t begin, bool want_gradient) const {
    finish_logits(logits, head);
    at::Tensor before;
    if (want_gradient && head.softcap > 0) before = logits.clone();
    const at::Tensor normaliser = at::logsumexp(logits, {1}, true);  // [n, 1]
    at::Tensor loss;
    if (reference.defined()) {
      finish_logits(reference, part.reference_head);
      reference.sub_(at::logsumexp(reference, {1}, true));  // log P
      const at::Tensor probability = reference.exp();       // P
      logits.sub_(normaliser);                              // log Q
      loss = at::sum(probability * reference.sub_(logits), {1});
      if (want_gradient) logits.exp_().sub_(probability);  // Q − P
    } else {
      const at::Tensor wanted = part.targets.slice(0, begin, begin + logits.size(0)).unsqueeze(1);
      loss = (normaliser - logits.gather(1, wanted)).squeeze(1);
      if (want_gradient) {
        logits.sub_(normaliser).exp_();
        logits.scatter_add_(1, wanted, at::full_like(normaliser, -1.0));  // softmax − onehot
      }
    }
    if (want_gradient) unfinish_gradient(logits, before, head);
    return loss;
  }
};

/// Computes Σ weights·loss over all parts and its gradients in one sweep over chunks. The total is linear in the
/// losses, so each chunk's gradient follows from its logits; the backward pass only scales it.
struct WeightedLoss : torch::autograd::Function<WeightedLoss> {
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight,
                               const std::optional<at::Tensor>& bias, const Head& head,
                               const std::vector<LossPart>& parts, std::int64_t chunk) {
    const bool to_hidden = hidden.requires_grad(), to_weight = weight.requires_grad();
    const bool to_bias = bias.has_value() && bias->requires_grad();
    const bool any = to_hidden || to_weight || to_bias;
    at::Tensor grad_hidden, grad_weight, grad_bias;
    if (to_hidden) grad_hidden = at::zeros_like(hidden);
    if (to_weight) grad_weight = weight_gradient(weight);
    bool first_chunk = true;
    if (to_bias) grad_bias = at::zeros_like(*bias);
    at::Tensor total = at::zeros({}, hidden.options().dtype(wide(hidden)));
    variable_list results = {total};
    for (const LossPart& part : parts) {
      const std::int64_t n = part.end - part.begin;
      const at::Tensor weights = to_device(part.weights.to(wide(hidden)), hidden.device());
      at::Tensor each = at::empty({n}, total.options());
      for (std::int64_t begin = 0; begin < n; begin += chunk) {
        const std::int64_t end = std::min(begin + chunk, n);
        const at::Tensor rows = hidden.slice(0, part.begin + begin, part.begin + end);
        at::Tensor logits = raw_logits(rows, head), reference;
        if (part.reference_hidden.defined())
          reference = raw_logits(part.reference_hidden.slice(0, begin, end), part.reference_head);
        for_strips(logits, [&](std::int64_t first, std::int64_t last) {
          at::Tensor strip = logits.slice(0, first, last);
          each.slice(0, begin + first, begin + last)
              .copy_(PartLoss{head, part}.value_and_gradient(
                  strip, reference.defined() ? reference.slice(0, first, last) : reference, begin + first, any));
          if (any) strip.mul_(weights.slice(0, begin + first, begin + last).unsqueeze(1));
        });
        if (!any) continue;
        const at::Tensor gradient = logits.to(hidden.scalar_type());
        if (to_hidden) grad_hidden.slice(0, part.begin + begin, part.begin + end).add_(matmul_nn(gradient, weight));
        if (to_weight) add_weight_gradient(grad_weight, gradient.to(weight.scalar_type()), rows, first_chunk);
        first_chunk = false;
        if (to_bias) grad_bias.add_(gradient.sum(0));
      }
      total.add_((each * weights).sum());
      results.push_back(each);
    }
    if (to_weight && first_chunk) grad_weight.zero_();
    context->save_for_backward({grad_hidden, grad_weight, grad_bias});
    context->mark_non_differentiable({results.begin() + 1, results.end()});
    return results;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& g = gradients[0];
    // In place: the head's gradient is as large as the head. The incoming gradient of a loss by itself is 1.
    const bool same = g.device().is_cpu() && g.item<double>() == 1;
    const auto scaled = [&](at::Tensor t) { return t.defined() && !same ? t.mul_(g.to(t.scalar_type())) : t; };
    return {scaled(saved[0]), scaled(saved[1]), scaled(saved[2]), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

TokenLoss alone(const at::Tensor& hidden, const Head& head, LossPart part, const ChunkOptions& options) {
  part.end = hidden.size(0);
  const JointLoss loss = joint_loss(hidden, head, {std::move(part)}, options);
  return {loss.total, loss.each[0]};
}

}  // namespace

JointLoss joint_loss(const at::Tensor& hidden, const Head& head, std::vector<LossPart> parts,
                     const ChunkOptions& options) {
  const Head plain = detached(head);
  for (LossPart& part : parts) {
    if (!part.reference_hidden.defined()) continue;
    part.reference_hidden = part.reference_hidden.detach();
    part.reference_head.weight = part.reference_head.weight.detach();
  }
  const auto results = WeightedLoss::apply(hidden, head.weight,
                                           head.bias.defined() ? std::optional<at::Tensor>(head.bias) : std::nullopt,
                                           plain, parts, chunk_rows(head, options));
  JointLoss loss{results[0], {}};
  for (std::size_t i = 1; i < results.size(); ++i) loss.each.push_back(results[i].detach());
  return loss;
}

TokenLoss cross_entropy(const at::Tensor& hidden, const Head& head, const at::Tensor& targets,
                        const at::Tensor& weights, const ChunkOptions& options) {
  return alone(hidden, head, {.weights = weights, .targets = targets}, options);
}

TokenLoss kl_divergence(const at::Tensor& hidden, const Head& head, const at::Tensor& reference_hidden,
                        const Head& reference_head, const at::Tensor& weights, const ChunkOptions& options) {
  return alone(hidden, head,
               {.weights = weights, .reference_hidden = reference_hidden, .reference_head = reference_head}, options);
}

at::Tensor log_probabilities(const at::Tensor& hidden, const Head& head, const at::Tensor& targets,
                             const ChunkOptions& options) {
  const c10::NoGradGuard no_gradient;
  const std::int64_t n = hidden.size(0), chunk = chunk_rows(head, options);
  at::Tensor result = at::empty({n}, hidden.options().dtype(wide(hidden)));
  for (std::int64_t begin = 0; begin < n; begin += chunk) {
    at::Tensor logits = raw_logits(hidden.slice(0, begin, std::min(begin + chunk, n)), head);
    for_strips(logits, [&](std::int64_t first, std::int64_t last) {
      at::Tensor strip = logits.slice(0, first, last);
      finish_logits(strip, head);
      const at::Tensor wanted = targets.slice(0, begin + first, begin + last).unsqueeze(1);
      result.slice(0, begin + first, begin + last)
          .copy_((strip.gather(1, wanted) - at::logsumexp(strip, {1}, true)).squeeze(1));
    });
  }
  return result;
}

}  // namespace lethe
