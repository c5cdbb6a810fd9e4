#include "nn/flash_attention.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "core/error.h"
#include "core/terminal.h"
#include "nn/attention.h"
#include "tensors/device.h"

namespace lethe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor numbers(const std::vector<std::int64_t>& values, at::ScalarType type, at::Device device) {
  return to_device(at::tensor(values, at::kLong).to(type), device);
}

/// Reshapes [H, T] to broadcast over [T, H, d].
at::Tensor factors(const at::Tensor& grad_heads) {
  return grad_heads.t().unsqueeze(-1);
}

struct FlashAttention : torch::autograd::Function<FlashAttention> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const FlashPlan& plan, double scale, bool causal, const FlashKernel& kernel) {
    auto [out, lse] = kernel.forward(q, k, v, plan.own, causal, scale);
    if (plan.has_shared) {
      const auto [other, other_lse] =
          kernel.forward(q.index_select(0, plan.responses), k.index_select(0, plan.prompts),
                         v.index_select(0, plan.prompts), plan.shared, /*causal=*/false, scale);
      const at::Tensor own = out.index_select(0, plan.responses), own_lse = lse.index_select(1, plan.responses);
      const at::Tensor joint = at::logaddexp(own_lse, other_lse);
      // In float32, rounded once.
      const at::Tensor both = own * factors((own_lse - joint).exp_()) + other * factors((other_lse - joint).exp_());
      out.index_copy_(0, plan.responses, both.to(out.scalar_type()));
      lse.index_copy_(1, plan.responses, joint);
    }
    context->save_for_backward({q, k, v, out, lse, plan.own.queries, plan.own.keys, plan.shared.queries,
                                plan.shared.keys, plan.responses, plan.prompts});
    context->saved_data["most"] = std::vector<std::int64_t>{plan.own.most_queries, plan.own.most_keys,
                                                            plan.shared.most_queries, plan.shared.most_keys};
    context->saved_data["scale"] = scale;
    context->saved_data["causal"] = causal;
    context->saved_data["kernel"] = reinterpret_cast<std::int64_t>(&kernel);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &lse = saved[4];
    const auto most = context->saved_data["most"].toIntVector();
    const double scale = context->saved_data["scale"].toDouble();
    const auto& kernel = *reinterpret_cast<const FlashKernel*>(context->saved_data["kernel"].toInt());
    const at::Tensor gradient = gradients[0].contiguous();
    auto [grad_q, grad_k, grad_v] = kernel.backward(gradient, q, k, v, out, lse, {saved[5], saved[6], most[0], most[1]},
                                                    context->saved_data["causal"].toBool(), scale);
    if (const at::Tensor& responses = saved[9], &prompts = saved[10]; responses.defined()) {
      // With the joint output and log-sum-exp, each part's own backward gives its share of the whole row's gradient.
      const auto [more_q, more_k, more_v] =
          kernel.backward(gradient.index_select(0, responses), q.index_select(0, responses), k.index_select(0, prompts),
                          v.index_select(0, prompts), out.index_select(0, responses),
                          lse.index_select(1, responses).contiguous(), {saved[7], saved[8], most[2], most[3]},
                          /*causal=*/false, scale);
      grad_q.index_add_(0, responses, more_q);
      grad_k.index_add_(0, prompts, more_k);
      grad_v.index_add_(0, prompts, more_v);
    }
    return {grad_q, grad_k, grad_v, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

/// Largest difference of two tensors, relative to the largest magnitude in the second.
double difference(const at::Tensor& a, const at::Tensor& b) {
  return ((a.to(at::kDouble) - b.to(at::kDouble)).abs().max() / b.to(at::kDouble).abs().max()).item<double>();
}

}  // namespace

FlashPlan::FlashPlan(const std::vector<Segment>& segments, at::Device device) {
  std::vector<std::int64_t> own{0}, queries{0}, keys{0}, from, to;
  std::int64_t last_prompt = -1, last_end = -1;
  for (const Segment& segment : segments) {
    if (segment.size() == 0) continue;  // the kernel's layout has no empty rows
    own.push_back(segment.end);
    this->own.most_queries = this->own.most_keys = std::max(this->own.most_queries, segment.size());
    if (segment.prefix < 0 || segments[static_cast<std::size_t>(segment.prefix)].size() == 0) continue;
    const Segment& prompt = segments[static_cast<std::size_t>(segment.prefix)];
    for (std::int64_t t = segment.begin; t < segment.end; ++t) from.push_back(t);
    if (last_prompt == prompt.begin && last_end == segment.begin) {
      queries.back() += segment.size();
    } else {
      for (std::int64_t t = prompt.begin; t < prompt.end; ++t) to.push_back(t);
      queries.push_back(queries.back() + segment.size());
      keys.push_back(keys.back() + prompt.size());
    }
    last_prompt = prompt.begin;
    last_end = segment.end;
    shared.most_queries = std::max(shared.most_queries, queries.back() - queries[queries.size() - 2]);
    shared.most_keys = std::max(shared.most_keys, prompt.size());
  }
  // With 1 the kernel takes another path for grouped heads. It is only an upper bound.
  for (PackedRows* rows : {&this->own, &shared}) rows->most_queries = std::max<std::int64_t>(rows->most_queries, 2);
  this->own.queries = this->own.keys = numbers(own, at::kInt, device);
  has_shared = !from.empty();
  if (!has_shared) return;
  shared.queries = numbers(queries, at::kInt, device);
  shared.keys = numbers(keys, at::kInt, device);
  responses = numbers(from, at::kLong, device);
  prompts = numbers(to, at::kLong, device);
}

const FlashKernel& engine_flash_kernel() {
  static const FlashKernel kernel{
      .forward =
          [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const PackedRows& rows, bool causal,
             double scale) {
            auto result = at::_flash_attention_forward(q, k, v, rows.queries, rows.keys, rows.most_queries,
                                                       rows.most_keys, /*dropout_p=*/0.0, causal,
                                                       /*return_debug_mask=*/false, scale);
            return std::pair{std::get<0>(result), std::get<1>(result)};
          },
      .backward =
          [](const at::Tensor& gradient, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
             const at::Tensor& out, const at::Tensor& log_sum_exp, const PackedRows& rows, bool causal, double scale) {
            const FixedOrder fixed;
            const at::Tensor none = at::empty({2}, at::TensorOptions(at::kLong).device(q.device()));  // of dropout
            return at::_flash_attention_backward(gradient, q, k, v, out, log_sum_exp, rows.queries, rows.keys,
                                                 rows.most_queries, rows.most_keys, /*dropout_p=*/0.0, causal, none,
                                                 none, scale);
          }};
  return kernel;
}

at::Tensor flash_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const FlashPlan& plan,
                           double scale, bool causal, const FlashKernel& kernel) {
  return FlashAttention::apply(q.contiguous(), k.contiguous(), v.contiguous(), plan, scale, causal, kernel);
}

namespace {

bool agrees_on(const std::vector<Segment>& segments, at::Device device, at::ScalarType type, std::int64_t head,
               const FlashKernel& kernel) {
  const c10::InferenceMode no_inference(false);  // the first call may come from decoding
  const c10::AutoGradMode with_gradients(true);
  variable_list plain, fast;
  const at::Generator random = at::detail::createCPUGenerator(1);
  for (const std::int64_t groups : {4, 2, 2, 4}) {  // q, k, v and the incoming gradient
    const at::Tensor given = at::randn({segments.back().end, groups, head}, random).to(type);
    plain.push_back(given.to(device, at::kFloat).requires_grad_(true));
    fast.push_back(given.to(device).requires_grad_(true));
  }
  const double scale = 1 / std::sqrt(static_cast<double>(head));
  const at::Tensor wanted = reference_attention(plain[0], plain[1], plain[2], segments, {.scale = scale});
  const at::Tensor found = flash_attention(fast[0], fast[1], fast[2], FlashPlan(segments, device), scale, true, kernel);
  const auto wanted_gradients = torch::autograd::grad({wanted}, {plain[0], plain[1], plain[2]}, {plain[3].detach()});
  const auto found_gradients = torch::autograd::grad({found}, {fast[0], fast[1], fast[2]}, {fast[3].detach()});
  constexpr double enough = 0.02;
  bool close = difference(found.detach(), wanted.detach()) < enough;
  for (std::size_t i = 0; i < 3; ++i) close = close && difference(found_gradients[i], wanted_gradients[i]) < enough;
  return close;
}

}  // namespace

bool flash_attention_agrees(at::Device device, at::ScalarType type, std::int64_t head, const FlashKernel& kernel) {
  const std::vector<Segment> mixed{{0, 5, -1, 12},  {5, 8, 0, 8},     {8, 15, 0, 12},
                                   {15, 24, -1, 9}, {24, 150, -1, 0}, {150, 151, 4, 0}};
  const std::vector<Segment> single{{0, 1, -1, 2}, {1, 2, 0, 2}, {2, 3, -1, 1}};  // rows of one query
  return agrees_on(mixed, device, type, head, kernel) && agrees_on(single, device, type, head, kernel);
}

bool flash_attention_takes(const at::Tensor& q) {
  const std::int64_t head = q.size(2);
  const at::ScalarType type = q.scalar_type();
  if (!q.is_cuda() || (type != at::kHalf && type != at::kBFloat16) || head > 256 || head % 8 != 0) return false;
  static std::map<std::pair<at::ScalarType, std::int64_t>, bool> known;
  const auto [place, fresh] = known.emplace(std::pair{type, head}, false);
  if (!fresh) return place->second;
  std::string reason = "it differs from the plain formula";
  try {
    place->second = flash_attention_agrees(q.device(), type, head);
  } catch (const std::exception& error) {
    reason = excerpt(error.what(), 200);
  }
  if (!place->second) warn("the engine's attention kernel is not used on this GPU (slower): " + reason);
  return place->second;
}

}  // namespace lethe
