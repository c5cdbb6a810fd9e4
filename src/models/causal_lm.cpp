#include "models/causal_lm.h"

#include <cmath>

#include "core/error.h"

namespace lethe {

CausalLM::CausalLM(DecoderSpec spec) : spec_(std::move(spec)), blocks_(spec_.layers) {
  const auto shape_norm = [&](Norm& norm) {
    norm.kind = spec_.norm;
    norm.epsilon = spec_.norm_epsilon;
  };
  for (auto& block : blocks_) {
    shape_norm(block.attention_norm);
    shape_norm(block.mlp_norm);
    shape_norm(block.query_norm);
    shape_norm(block.key_norm);
  }
  shape_norm(final_norm_);
}

std::vector<Parameter> CausalLM::parameters() {
  const auto& s = spec_;
  const auto& n = s.names;
  std::vector<Parameter> list;
  const auto add_linear = [&](const std::string& name, Linear& linear, std::int64_t out, std::int64_t in, bool bias) {
    if (name.empty() || name.back() == '.') return;
    list.push_back({name + ".weight", {out, in}, &linear.weight});
    if (bias) list.push_back({name + ".bias", {out}, &linear.bias});
  };
  const auto add_norm = [&](const std::string& name, Norm& norm, std::int64_t size) {
    if (name.empty() || !s.norm_affine) return;
    list.push_back({name + ".weight", {size}, &norm.weight});
    if (s.norm == NormKind::layer) list.push_back({name + ".bias", {size}, &norm.bias});
  };
  list.push_back({n.embedding + ".weight", {s.vocabulary, s.embedding_width}, &embedding_});
  if (!n.positions.empty())
    list.push_back({n.positions + ".weight", {s.max_positions + s.position_offset, s.width}, &positions_});
  add_linear(n.project_in, project_in_, s.width, s.embedding_width, false);
  add_linear(n.project_out, project_out_, s.embedding_width, s.width, false);
  for (std::int64_t i = 0; i < s.layers; ++i) {
    auto& block = blocks_[i];
    const auto name = [&](const std::string& part) { return part.empty() ? part : s.layer_name(i, part); };
    add_norm(name(n.attention_norm), block.attention_norm, s.width);
    add_linear(name(n.query), block.query, s.heads * s.head_dim, s.width, s.attention_bias);
    add_linear(name(n.key), block.key, s.kv_heads * s.head_dim, s.width, s.attention_bias);
    add_linear(name(n.value), block.value, s.kv_heads * s.head_dim, s.width, s.attention_bias);
    add_norm(name(n.query_norm), block.query_norm, s.head_dim);
    add_norm(name(n.key_norm), block.key_norm, s.head_dim);
    add_linear(name(n.attention_out), block.attention_out, s.width, s.heads * s.head_dim, s.attention_out_bias);
    add_norm(name(n.mlp_norm), block.mlp_norm, s.width);
    add_linear(name(n.gate), block.gate, s.inner, s.width, s.mlp_bias);
    add_linear(name(n.up), block.up, s.inner, s.width, s.mlp_bias);
    add_linear(name(n.down), block.down, s.width, s.inner, s.mlp_bias);
  }
  add_norm(n.final_norm, final_norm_, s.width);
  if (!s.tied_head) add_linear(n.head, head_, s.vocabulary, s.embedding_width, false);
  return list;
}

std::vector<NamedLinear> CausalLM::linears() {
  const auto& n = spec_.names;
  std::vector<NamedLinear> list;
  if (!n.project_in.empty()) list.push_back({n.project_in, &project_in_});
  if (!n.project_out.empty()) list.push_back({n.project_out, &project_out_});
  for (std::int64_t i = 0; i < spec_.layers; ++i) {
    auto& block = blocks_[i];
    for (const auto& [part, linear] :
         std::initializer_list<std::pair<const std::string&, Linear*>>{{n.query, &block.query},
                                                                       {n.key, &block.key},
                                                                       {n.value, &block.value},
                                                                       {n.attention_out, &block.attention_out},
                                                                       {n.gate, &block.gate},
                                                                       {n.up, &block.up},
                                                                       {n.down, &block.down}}) {
      if (!part.empty()) list.push_back({spec_.layer_name(i, part), linear});
    }
  }
  list.push_back({n.head, &head_});
  return list;
}

RotaryAngles CausalLM::angles(const PackedBatch& batch) const {
  return spec_.rotary ? Rotary(spec_.rotary_options).angles(batch) : RotaryAngles{};
}

RotaryAngles CausalLM::angles(const at::Tensor& positions, std::int64_t row_length) const {
  return spec_.rotary ? Rotary(spec_.rotary_options).angles(positions, row_length) : RotaryAngles{};
}

at::Tensor CausalLM::hidden(const PackedBatch& batch) const {
  PackedAttention attention(batch);
  return hidden(batch.ids, batch.positions, angles(batch), attention);
}

at::Tensor CausalLM::hidden(const at::Tensor& ids, const at::Tensor& positions, const RotaryAngles& angles,
                            AttentionContext& attention) const {
  at::Tensor x = at::embedding(embedding_, ids);
  if (project_in_.defined()) x = project_in_.forward(x, adapters);
  if (positions_.defined()) x = x + at::embedding(positions_, positions + spec_.position_offset);
  for (std::size_t i = 0; i < blocks_.size(); ++i) x = block(i, x, angles, attention);
  if (!spec_.names.final_norm.empty()) x = final_norm_.forward(x);
  if (project_out_.defined()) x = project_out_.forward(x, adapters);
  return x;
}

at::Tensor CausalLM::block(std::size_t index, at::Tensor x, const RotaryAngles& angles,
                           AttentionContext& attention) const {
  const Block& b = blocks_[index];
  if (spec_.norm_after) {
    x = b.attention_norm.forward(x + attend(index, x, angles, attention));
    return b.mlp_norm.forward(x + mlp(b, x));
  }
  x = x + attend(index, b.attention_norm.forward(x), angles, attention);
  return x + mlp(b, b.mlp_norm.forward(x));
}

at::Tensor CausalLM::attend(std::size_t index, const at::Tensor& x, const RotaryAngles& angles,
                            AttentionContext& attention) const {
  const Block& b = blocks_[index];
  const auto heads = [&](const Linear& linear, std::int64_t count) {
    return linear.forward(x, adapters).view({x.size(0), count, spec_.head_dim});
  };
  at::Tensor q = heads(b.query, spec_.heads), k = heads(b.key, spec_.kv_heads);
  const at::Tensor v = heads(b.value, spec_.kv_heads);
  if (!spec_.names.query_norm.empty()) {
    q = b.query_norm.forward(q);
    k = b.key_norm.forward(k);
  }
  if (spec_.rotary) {
    q = rotate(q, angles);
    k = rotate(k, angles);
  }
  AttentionOptions options;
  options.scale = 1.0 / std::sqrt(static_cast<double>(spec_.head_dim));
  if (!spec_.windows.empty()) options.window = spec_.windows[index];
  const at::Tensor out = attention.attend(static_cast<int>(index), q, k, v, options);
  return b.attention_out.forward(out.reshape({x.size(0), spec_.heads * spec_.head_dim}), adapters);
}

at::Tensor CausalLM::mlp(const Block& b, const at::Tensor& x) const {
  const at::Tensor up = b.up.forward(x, adapters);
  const at::Tensor inner =
      spec_.gated() ? lethe::gated(b.gate.forward(x, adapters), up, spec_.activation) : activate(up, spec_.activation);
  return b.down.forward(inner, adapters);
}

Head CausalLM::head() const {
  Head head;
  head.weight = spec_.tied_head ? embedding_ : head_.weight;
  if (adapters.on) {
    for (const auto& adapter : head_.adapters) {
      head.weight = head.weight + (adapter.scale * at::mm(adapter.b, adapter.a)).to(head.weight.scalar_type());
    }
  }
  return head;
}

}  // namespace lethe
