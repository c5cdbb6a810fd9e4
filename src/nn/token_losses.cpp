#include "nn/token_losses.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "nn/products.h"

namespace lethe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::ScalarType wide(const at::Tensor& t) {
  return at::promote_types(t.scalar_type(), at::kFloat);
}

/// Raw products turned into logits in place: scale, soft cap. What is needed for the way back is the logits themselves.
void finish_logits(at::Tensor& logits, const Head& head) {
  if (head.scale != 1.0) logits.mul_(head.scale);
  if (head.softcap > 0) logits.div_(head.softcap).tanh_().mul_(head.softcap);
}

/// Gradient of the logits turned into that of the raw products, in place.
void unfinish_gradient(at::Tensor& gradient, const at::Tensor& logits, const Head& head) {
  if (head.softcap > 0) gradient.mul_(1 - (logits / head.softcap).square_());
  if (head.scale != 1.0) gradient.mul_(head.scale);
}

at::Tensor raw_logits(const at::Tensor& hidden, const Head& head) {
  return times_transposed(hidden, head.weight, head.bias).to(wide(hidden));
}

/// What both losses share: given raw products of some positions, the loss of each and, over the products, its gradient.
struct ChunkedLoss {
  Head head, reference_head;  // reference_head only for the divergence
  at::Tensor targets, reference_hidden;

  /// @param logits     [n, V] raw products; become d loss / d raw products
  /// @param reference  [n, V] the original's raw products, used up; undefined: cross-entropy
  /// @return losses [n]
  at::Tensor value_and_gradient(at::Tensor logits, at::Tensor reference, std::int64_t begin, bool want_gradient) const {
    finish_logits(logits, head);
    at::Tensor before;
    if (want_gradient && head.softcap > 0) before = logits.clone();
    const at::Tensor normaliser = at::logsumexp(logits, {1}, true);  // [n, 1]
    at::Tensor loss;
    if (reference.defined()) {
      finish_logits(reference, reference_head);
      reference.sub_(at::logsumexp(reference, {1}, true));  // log P
      const at::Tensor probability = reference.exp();       // P
      logits.sub_(normaliser);                              // log Q
      loss = at::sum(probability * reference.sub_(logits), {1});
      if (want_gradient) logits.exp_().sub_(probability);  // Q − P
    } else {
      const at::Tensor wanted = targets.slice(0, begin, begin + logits.size(0)).unsqueeze(1);
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

/// A chunk is large enough for the matrix kernels. What follows them on a CPU works on strips of it that stay in the
/// cache.
std::int64_t strip_rows(const at::Tensor& logits) {
  constexpr std::int64_t strip = std::int64_t{1} << 18;
  return logits.device().is_cpu() ? std::max<std::int64_t>(1, strip / logits.size(1)) : logits.size(0);
}

/// Σ weights·loss and its gradients in one sweep over chunks: since the total is linear in the losses, the gradient of
/// each chunk is known as soon as its logits are, and backward only scales it.
struct WeightedLoss : torch::autograd::Function<WeightedLoss> {
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight,
                               const std::optional<at::Tensor>& bias, const at::Tensor& weights,
                               const ChunkedLoss& loss, std::int64_t chunk) {
    const std::int64_t n = hidden.size(0);
    const bool to_hidden = hidden.requires_grad(), to_weight = weight.requires_grad();
    const bool to_bias = bias.has_value() && bias->requires_grad();
    const bool any = to_hidden || to_weight || to_bias;
    at::Tensor each = at::empty({n}, hidden.options().dtype(wide(hidden)));
    at::Tensor grad_hidden, grad_weight, grad_bias;
    if (to_hidden) grad_hidden = at::empty_like(hidden);
    if (to_weight) grad_weight = at::zeros(weight.sizes(), weight.options().dtype(wide(weight)));
    if (to_bias) grad_bias = at::zeros_like(*bias);
    for (std::int64_t begin = 0; begin < n; begin += chunk) {
      const std::int64_t end = std::min(begin + chunk, n);
      const at::Tensor rows = hidden.slice(0, begin, end);
      at::Tensor logits = raw_logits(rows, loss.head), reference;
      if (loss.reference_hidden.defined())
        reference = raw_logits(loss.reference_hidden.slice(0, begin, end), loss.reference_head);
      const std::int64_t strip = strip_rows(logits);
      for (std::int64_t first = begin; first < end; first += strip) {
        const std::int64_t last = std::min(first + strip, end);
        const auto part = [&](const at::Tensor& t) {
          return t.defined() ? t.slice(0, first - begin, last - begin) : at::Tensor();
        };
        each.slice(0, first, last).copy_(loss.value_and_gradient(part(logits), part(reference), first, any));
        if (any) part(logits).mul_(weights.slice(0, first, last).unsqueeze(1));
      }
      if (!any) continue;
      const at::Tensor gradient = logits.to(hidden.scalar_type());
      if (to_hidden) {
        grad_hidden.slice(0, begin, end).copy_(times(gradient, weight));
      }
      if (to_weight) {
        if (grad_weight.scalar_type() == gradient.scalar_type()) {
          grad_weight.addmm_(gradient.t(), rows);
        } else {
          grad_weight.add_(at::mm(gradient.t(), rows));
        }
      }
      if (to_bias) grad_bias.add_(gradient.sum(0));
    }
    context->save_for_backward({grad_hidden, grad_weight, grad_bias});
    context->mark_non_differentiable({each});
    return {(each * weights).sum(), each};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    // In place: the head's gradient is as large as the head.
    const auto scaled = [&](at::Tensor t) { return t.defined() ? t.mul_(gradients[0].to(t.scalar_type())) : t; };
    return {scaled(saved[0]), scaled(saved[1]), scaled(saved[2]), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

std::int64_t chunk_rows(const Head& head, const ChunkOptions& options) {
  const std::int64_t vocabulary = head.weight.size(0);
  if (options.logits > 0) return std::max<std::int64_t>(1, options.logits / vocabulary);
  constexpr std::int64_t logits = std::int64_t{6} << 20, enough_rows = 128;
  return std::max(enough_rows, logits / vocabulary);
}

TokenLoss weighted(const at::Tensor& hidden, const Head& head, const at::Tensor& weights, ChunkedLoss loss,
                   const ChunkOptions& options) {
  // The loss works on the head without its history; gradients of weight and bias are handed over by the Function.
  loss.head.weight = head.weight.detach();
  if (head.bias.defined()) loss.head.bias = head.bias.detach();
  const auto parts = WeightedLoss::apply(hidden, head.weight,
                                         head.bias.defined() ? std::optional<at::Tensor>(head.bias) : std::nullopt,
                                         weights.to(hidden.device(), wide(hidden)), loss, chunk_rows(head, options));
  return {parts[0], parts[1].detach()};
}

}  // namespace

at::Tensor Head::logits(const at::Tensor& hidden) const {
  at::Tensor result = raw_logits(hidden, *this);
  finish_logits(result, *this);
  return result;
}

TokenLoss cross_entropy(const at::Tensor& hidden, const Head& head, const at::Tensor& targets,
                        const at::Tensor& weights, const ChunkOptions& options) {
  ChunkedLoss loss;
  loss.head = head;
  loss.targets = targets;
  return weighted(hidden, head, weights, loss, options);
}

TokenLoss kl_divergence(const at::Tensor& hidden, const Head& head, const at::Tensor& reference_hidden,
                        const Head& reference_head, const at::Tensor& weights, const ChunkOptions& options) {
  ChunkedLoss loss;
  loss.head = head;
  loss.reference_head = reference_head;
  loss.reference_head.weight = reference_head.weight.detach();
  loss.reference_hidden = reference_hidden.detach();
  return weighted(hidden, head, weights, loss, options);
}

at::Tensor log_probabilities(const at::Tensor& hidden, const Head& head, const at::Tensor& targets,
                             const ChunkOptions& options) {
  const c10::NoGradGuard no_gradient;
  const std::int64_t n = hidden.size(0), chunk = chunk_rows(head, options);
  at::Tensor result = at::empty({n}, hidden.options().dtype(wide(hidden)));
  for (std::int64_t begin = 0; begin < n; begin += chunk) {
    const std::int64_t end = std::min(begin + chunk, n);
    at::Tensor logits = raw_logits(hidden.slice(0, begin, end), head);
    const std::int64_t strip = strip_rows(logits);
    for (std::int64_t first = begin; first < end; first += strip) {
      const std::int64_t last = std::min(first + strip, end);
      at::Tensor part = logits.slice(0, first - begin, last - begin);
      finish_logits(part, head);
      const at::Tensor wanted = targets.slice(0, first, last).unsqueeze(1);
      result.slice(0, first, last).copy_((part.gather(1, wanted) - at::logsumexp(part, {1}, true)).squeeze(1));
    }
  }
  return result;
}

}  // namespace lethe
