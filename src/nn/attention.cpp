#include "nn/attention.h"

namespace lethe {

at::Tensor reference_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const std::vector<Segment>& segments, const AttentionOptions& options) {
  const std::int64_t groups = q.size(1) / k.size(1);
  std::vector<at::Tensor> outputs;
  for (const auto& segment : segments) {
    const auto rows = [&](const at::Tensor& t) {
      const at::Tensor own = t.slice(0, segment.begin, segment.end);
      if (segment.prefix < 0) return own;
      const auto& prompt = segments[segment.prefix];
      return at::cat({t.slice(0, prompt.begin, prompt.end), own});
    };
    const at::Tensor queries = q.slice(0, segment.begin, segment.end).transpose(0, 1);  // [H, n, d]
    const at::Tensor keys = rows(k).transpose(0, 1).repeat_interleave(groups, 0);       // [H, m, d]
    const at::Tensor values = rows(v).transpose(0, 1).repeat_interleave(groups, 0);
    const std::int64_t n = queries.size(1), m = keys.size(1);
    at::Tensor scores =
        at::matmul(queries, keys.transpose(1, 2)).to(at::promote_types(q.scalar_type(), at::kFloat)) * options.scale;
    if (options.softcap > 0) scores = at::tanh(scores / options.softcap) * options.softcap;
    if (options.causal) {
      const at::Tensor at_query = at::arange(m - n, m, q.device()).unsqueeze(1),
                       at_key = at::arange(m, q.device()).unsqueeze(0);
      at::Tensor hidden = at_key > at_query;
      if (options.window > 0) hidden = hidden.logical_or(at_key <= at_query - options.window);
      scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
    }
    outputs.push_back(at::matmul(at::softmax(scores, -1).to(v.scalar_type()), values).transpose(0, 1));
  }
  return at::cat(outputs);
}

}  // namespace lethe
