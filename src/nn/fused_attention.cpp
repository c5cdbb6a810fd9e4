#include "nn/fused_attention.h"

#include <torch/csrc/autograd/custom_function.h>

namespace lethe {
namespace {

// Each response attends to its prompt (part 1) and to itself (part 2). Log-sum-exps join the parts. Beyond the inputs,
// only the output and the joint log-sum-exp are kept for the backward pass.

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Tokens [begin, end) of [T, H, d] in the kernel's layout [1, H, n, d], without a copy.
at::Tensor view(const at::Tensor& t, std::int64_t begin, std::int64_t end) {
  return t.slice(0, begin, end).transpose(0, 1).unsqueeze(0);
}

/// Consecutive segments [first, last] that continue one prompt: their queries attend to the prompt's keys as one row.
struct Continuation {
  std::int64_t prompt_begin, prompt_end, begin, end;
};

std::vector<Continuation> continuations(const std::vector<Segment>& segments) {
  std::vector<Continuation> result;
  for (const auto& segment : segments) {
    if (segment.prefix < 0 || segment.size() == 0) continue;
    const auto& prompt = segments[segment.prefix];
    if (!result.empty() && result.back().prompt_begin == prompt.begin && result.back().end == segment.begin) {
      result.back().end = segment.end;
    } else {
      result.push_back({prompt.begin, prompt.end, segment.begin, segment.end});
    }
  }
  return result;
}

struct FusedAttention : torch::autograd::Function<FusedAttention> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::vector<Segment>& segments, double scale, bool causal) {
    at::Tensor out = at::empty(q.sizes(), q.options());  // [T, H, d]
    at::Tensor lse =
        at::empty({q.size(1), q.size(0)}, q.options().dtype(at::promote_types(q.scalar_type(), at::kFloat)));  // [H, T]
    for (const auto& s : segments) {
      if (s.size() == 0) continue;
      auto [o, l] = at::_scaled_dot_product_flash_attention_for_cpu(view(q, s.begin, s.end), view(k, s.begin, s.end),
                                                                    view(v, s.begin, s.end), 0.0, causal, {}, scale);
      view(out, s.begin, s.end).copy_(o);
      lse.slice(1, s.begin, s.end).copy_(l.squeeze(0));
    }
    for (const auto& c : continuations(segments)) {
      auto [o, l] = at::_scaled_dot_product_flash_attention_for_cpu(
          view(q, c.begin, c.end), view(k, c.prompt_begin, c.prompt_end), view(v, c.prompt_begin, c.prompt_end), 0.0,
          false, {}, scale);
      at::Tensor own = view(out, c.begin, c.end), own_lse = lse.slice(1, c.begin, c.end);
      l = l.squeeze(0);
      const at::Tensor joint = at::logaddexp(own_lse, l);
      const auto weight = [&](const at::Tensor& part) {
        return (part - joint).exp_().unsqueeze(0).unsqueeze(-1).to(q.scalar_type());
      };
      own.mul_(weight(own_lse)).add_(o * weight(l));
      own_lse.copy_(joint);
    }
    context->save_for_backward({q, k, v, out, lse});
    std::vector<std::int64_t> plan;
    for (const auto& s : segments) plan.insert(plan.end(), {s.begin, s.end, s.prefix});
    context->saved_data["plan"] = plan;
    context->saved_data["scale"] = scale;
    context->saved_data["causal"] = causal;
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &lse = saved[4];
    const double scale = context->saved_data["scale"].toDouble();
    const bool causal = context->saved_data["causal"].toBool();
    const auto plan = context->saved_data["plan"].toIntVector();
    std::vector<Segment> segments;
    for (std::size_t i = 0; i < plan.size(); i += 3) {
      segments.push_back({plan[i], plan[i + 1], static_cast<int>(plan[i + 2]), 0});
    }
    const at::Tensor grad = gradients[0].contiguous();
    at::Tensor grad_q = at::empty(q.sizes(), q.options()), grad_k = at::empty(k.sizes(), k.options()),
               grad_v = at::empty(v.sizes(), v.options());
    const auto part = [&](std::int64_t begin, std::int64_t end, std::int64_t key_begin, std::int64_t key_end,
                          bool triangular) {
      return at::_scaled_dot_product_flash_attention_for_cpu_backward(
          view(grad, begin, end), view(q, begin, end), view(k, key_begin, key_end), view(v, key_begin, key_end),
          view(out, begin, end), lse.slice(1, begin, end).unsqueeze(0).contiguous(), 0.0, triangular, {}, scale);
    };
    for (const auto& s : segments) {
      if (s.size() == 0) continue;
      const auto [dq, dk, dv] = part(s.begin, s.end, s.begin, s.end, causal);
      view(grad_q, s.begin, s.end).copy_(dq);
      view(grad_k, s.begin, s.end).copy_(dk);
      view(grad_v, s.begin, s.end).copy_(dv);
    }
    // With the joint output and log-sum-exp, each part's own backward gives its share of the whole row's gradient.
    for (const auto& c : continuations(segments)) {
      const auto [dq, dk, dv] = part(c.begin, c.end, c.prompt_begin, c.prompt_end, false);
      view(grad_q, c.begin, c.end).add_(dq);
      view(grad_k, c.prompt_begin, c.prompt_end).add_(dk);
      view(grad_v, c.prompt_begin, c.prompt_end).add_(dv);
    }
    return {grad_q, grad_k, grad_v, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const std::vector<Segment>& segments, double scale, bool causal) {
  return FusedAttention::apply(q.contiguous(), k.contiguous(), v.contiguous(), segments, scale, causal);
}

}  // namespace lethe
