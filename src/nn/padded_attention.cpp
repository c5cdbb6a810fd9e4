#include "nn/padded_attention.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "tensors/device.h"

namespace lethe {
namespace {

/// t.index_select(0, index), whose gradient is added in a fixed order: tokens of a shared prompt occur several times.
struct GatheredRows : torch::autograd::Function<GatheredRows> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& t, const at::Tensor& index) {
    context->save_for_backward({index});
    context->saved_data["rows"] = t.size(0);
    return t.index_select(0, index);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const at::Tensor& g = gradients[0];
    std::vector<std::int64_t> sizes = g.sizes().vec();
    sizes[0] = context->saved_data["rows"].toInt();
    const FixedOrder fixed;
    return {at::zeros(sizes, g.options()).index_add_(0, context->get_saved_variables()[0], g), at::Tensor()};
  }
};

at::Tensor on_device(const std::vector<std::int64_t>& values, at::Device device) {
  return to_device(at::tensor(values, at::kLong), device);
}

}  // namespace

PaddedAttention::PaddedAttention(const std::vector<Segment>& segments, at::Device device) {
  const auto prefix_of = [&](const Segment& s) { return s.prefix < 0 ? Segment{} : segments[std::size_t(s.prefix)]; };
  const auto size_class = [](std::int64_t size) { return std::bit_width(static_cast<std::uint64_t>(size - 1)); };
  std::map<std::pair<int, int>, std::vector<const Segment*>> similar;
  for (const Segment& s : segments) {
    if (s.size() > 0) similar[{size_class(s.size()), size_class(prefix_of(s).size() + s.size())}].push_back(&s);
  }
  std::vector<std::int64_t> places(segments.empty() ? 0 : static_cast<std::size_t>(segments.back().end));
  std::int64_t before = 0;  // queries of earlier groups
  for (const auto& [unused, members] : similar) {
    Group group;
    group.rows = static_cast<std::int64_t>(members.size());
    for (const Segment* s : members) {
      group.queries = std::max(group.queries, s->size());
      group.keys = std::max(group.keys, prefix_of(*s).size() + s->size());
    }
    std::vector<std::int64_t> queries, keys, last_keys, key_counts;
    for (const Segment* s : members) {
      const Segment prompt = prefix_of(*s);
      const std::int64_t count = prompt.size() + s->size();
      for (std::int64_t i = 0; i < group.queries; ++i) {  // padding repeats the last query
        const std::int64_t own = std::min(i, s->size() - 1);
        if (i == own)
          places[static_cast<std::size_t>(s->begin + i)] = before + static_cast<std::int64_t>(queries.size());
        queries.push_back(s->begin + own);
        last_keys.push_back(prompt.size() + own);
      }
      for (std::int64_t i = 0; i < group.keys; ++i)
        keys.push_back(i < prompt.size() ? prompt.begin + i : std::min(s->begin + i - prompt.size(), s->end - 1));
      key_counts.push_back(count);
    }
    before += static_cast<std::int64_t>(queries.size());
    group.query_tokens = on_device(queries, device);
    group.key_tokens = on_device(keys, device);
    group.last_key = on_device(last_keys, device).view({group.rows, group.queries});
    group.key_count = on_device(key_counts, device).view({group.rows, 1});
    groups_.push_back(std::move(group));
  }
  places_ = on_device(places, device);
}

const at::Tensor& PaddedAttention::hidden(Group& group, const AttentionOptions& options) {
  at::Tensor& mask = group.hidden[{options.causal, options.window}];
  if (mask.defined()) return mask;
  const at::Tensor key = at::arange(group.keys, group.last_key.options());
  if (options.causal) {
    const at::Tensor last = group.last_key.unsqueeze(-1);
    mask = key > last;  // [R, n, m]; the last key of a query lies before the padding
    if (options.window > 0) mask = mask.bitwise_or_(key <= last - options.window);
  } else {
    mask = (key >= group.key_count).unsqueeze(1);
  }
  mask = mask.unsqueeze(1).unsqueeze(1);
  return mask;
}

at::Tensor PaddedAttention::attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                   const AttentionOptions& options) {
  const std::int64_t groups = k.size(1), each = q.size(1) / groups, head = q.size(2);
  std::vector<at::Tensor> outputs;
  for (Group& g : groups_) {
    const auto rows = [&](const at::Tensor& t) {  // [R, G, m, d]
      return GatheredRows::apply(t, g.key_tokens).view({g.rows, g.keys, groups, head}).transpose(1, 2);
    };
    // Heads that share keys are one matrix: [R, G, each·n, d].
    const at::Tensor queries = GatheredRows::apply(q, g.query_tokens)
                                   .view({g.rows, g.queries, groups, each, head})
                                   .permute({0, 2, 3, 1, 4})
                                   .reshape({g.rows, groups, each * g.queries, head});
    at::Tensor scores = at::matmul(queries, rows(k).transpose(2, 3));
    scores = scores.to(at::promote_types(q.scalar_type(), at::kFloat)) * options.scale;
    if (options.softcap > 0) scores = at::tanh(scores / options.softcap) * options.softcap;
    scores = scores.view({g.rows, groups, each, g.queries, g.keys})
                 .masked_fill(hidden(g, options), -std::numeric_limits<double>::infinity());
    const at::Tensor shares = at::softmax(scores, -1).to(v.scalar_type());
    outputs.push_back(at::matmul(shares.view({g.rows, groups, each * g.queries, g.keys}), rows(v))
                          .view({g.rows, groups, each, g.queries, head})
                          .permute({0, 3, 1, 2, 4})
                          .reshape({g.rows * g.queries, q.size(1), head}));
  }
  return GatheredRows::apply(at::cat(outputs), places_);
}

}  // namespace lethe
