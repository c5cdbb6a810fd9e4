#include "models/causal_lm.h"

#include <c10/core/GradMode.h>

#include <cmath>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/random.h"
#include "nn/activation_checkpointing.h"
#include "nn/bfloat16_product.h"
#include "nn/packed_attention.h"

namespace lethe {
namespace {

/// The matrices of a layer, for as long as the layer computes.
class Brought {
 public:
  Brought(LayerWeights* weights, std::size_t layer) : weights_(weights), layer_(layer) {
    if (weights_ != nullptr) weights_->bring(layer_);
  }
  ~Brought() {
    if (weights_ != nullptr) weights_->drop(layer_);
  }
  Brought(const Brought&) = delete;
  Brought& operator=(const Brought&) = delete;

 private:
  LayerWeights* weights_;
  std::size_t layer_;
};

}  // namespace

CausalLM::CausalLM(DecoderSpec spec) : spec_(std::move(spec)), blocks_(spec_.layers) {
  const auto& n = spec_.names;
  const auto shape_norm = [&](Norm& norm, bool present) {
    norm.kind = present ? spec_.norm : NormKind::none;
    norm.epsilon = spec_.norm_epsilon;
    norm.offset = spec_.norm_offset;
  };
  const bool on_queries = spec_.query_key_norm != QueryKeyNorm::none;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    Block& block = blocks_[i];
    if (spec_.has_experts(static_cast<std::int64_t>(i))) {
      block.mixture.experts.resize(static_cast<std::size_t>(spec_.experts));
      block.mixture.chosen = spec_.chosen_experts;
      block.mixture.normalised = spec_.normalised_experts;
    }
    shape_norm(block.attention_norm, !n.attention_norm.empty());
    shape_norm(block.mlp_norm, !n.mlp_norm.empty());
    shape_norm(block.post_attention_norm, !n.post_attention_norm.empty());
    shape_norm(block.post_mlp_norm, !n.post_mlp_norm.empty());
    shape_norm(block.query_norm, on_queries);
    shape_norm(block.key_norm, on_queries);
    if (spec_.query_key_norm == QueryKeyNorm::each_head) {
      block.query_norm.head_weights.resize(static_cast<std::size_t>(spec_.heads));
      block.key_norm.head_weights.resize(static_cast<std::size_t>(spec_.kv_heads));
    }
    for (Linear* linear : {&block.query, &block.key, &block.value, &block.fused_qkv, &block.attention_out, &block.gate,
                           &block.up, &block.fused_gate_up, &block.down}) {
      linear->transposed = spec_.transposed;
    }
  }
  shape_norm(final_norm_, !n.final_norm.empty());
}

std::vector<Parameter> CausalLM::parameters() {
  const auto& s = spec_;
  const auto& n = s.names;
  std::vector<Parameter> list;
  const auto add_linear = [&](const std::string& name, Linear& linear, std::int64_t out, std::int64_t in, bool bias) {
    if (name.empty()) return;
    list.push_back({name + ".weight", linear.transposed ? std::vector{in, out} : std::vector{out, in}, &linear.weight,
                    &linear == &head_ ? nullptr : &linear});
    if (bias) list.push_back({name + ".bias", {out}, &linear.bias});
  };
  const auto add_norm = [&](const std::string& name, Norm& norm, std::int64_t size) {
    if (name.empty() || !s.norm_affine) return;
    for (std::size_t head = 0; head < norm.head_weights.size(); ++head)
      list.push_back({name + ".norms." + std::to_string(head) + ".weight", {size}, &norm.head_weights[head]});
    if (!norm.head_weights.empty()) return;
    list.push_back({name + ".weight", {size}, &norm.weight});
    if (s.norm == NormKind::layer) list.push_back({name + ".bias", {size}, &norm.bias});
  };
  list.push_back({n.embedding + ".weight", {s.vocabulary, s.embedding_size}, &embedding_});
  if (!n.positions.empty())
    list.push_back({n.positions + ".weight", {s.max_positions + s.position_offset, s.hidden_size}, &positions_});
  add_linear(n.project_in, project_in_, s.hidden_size, s.embedding_size, false);
  add_linear(n.project_out, project_out_, s.embedding_size, s.hidden_size, false);
  const std::int64_t queries = s.heads * s.head_dim, keys = s.kv_heads * s.head_dim;
  const bool whole = s.query_key_norm == QueryKeyNorm::whole;
  for (std::int64_t i = 0; i < s.layers; ++i) {
    auto& block = blocks_[i];
    const auto name = [&](const std::string& part) { return part.empty() ? part : s.layer_name(i, part); };
    const std::size_t first = list.size();
    add_norm(name(n.attention_norm), block.attention_norm, s.hidden_size);
    add_linear(name(n.query), block.query, queries, s.hidden_size, s.attention_bias);
    add_linear(name(n.key), block.key, keys, s.hidden_size, s.attention_bias);
    add_linear(name(n.value), block.value, keys, s.hidden_size, s.attention_bias);
    add_linear(name(n.fused_qkv), block.fused_qkv, queries + 2 * keys, s.hidden_size, s.attention_bias);
    add_norm(name(n.query_norm), block.query_norm, whole ? queries : s.head_dim);
    add_norm(name(n.key_norm), block.key_norm, whole ? keys : s.head_dim);
    add_linear(name(n.attention_out), block.attention_out, s.hidden_size, queries, s.attention_out_bias);
    add_norm(name(n.post_attention_norm), block.post_attention_norm, s.hidden_size);
    add_norm(name(n.mlp_norm), block.mlp_norm, s.hidden_size);
    if (s.has_experts(i)) {
      add_linear(name(n.router), block.mixture.router, s.experts, s.hidden_size, false);
      list.back().linear = nullptr;  // never packed: small, and rounding changes its choices
      for (std::size_t e = 0; e < block.mixture.experts.size(); ++e) {
        auto& expert = block.mixture.experts[e];
        const std::string prefix = name(n.experts) + std::to_string(e) + ".";
        add_linear(prefix + n.expert_gate, expert.gate, s.expert_intermediate_size, s.hidden_size, false);
        add_linear(prefix + n.expert_up, expert.up, s.expert_intermediate_size, s.hidden_size, false);
        add_linear(prefix + n.expert_down, expert.down, s.hidden_size, s.expert_intermediate_size, false);
      }
    } else {
      add_linear(name(n.gate), block.gate, s.intermediate_size, s.hidden_size, s.mlp_bias);
      add_linear(name(n.up), block.up, s.intermediate_size, s.hidden_size, s.mlp_bias);
      add_linear(name(n.fused_gate_up), block.fused_gate_up, 2 * s.intermediate_size, s.hidden_size, s.mlp_bias);
      add_linear(name(n.down), block.down, s.hidden_size, s.intermediate_size, s.mlp_bias);
    }
    add_norm(name(n.post_mlp_norm), block.post_mlp_norm, s.hidden_size);
    for (std::size_t k = first; k < list.size(); ++k) list[k].layer = i;
  }
  add_norm(n.final_norm, final_norm_, s.hidden_size);
  if (!s.tied_head) add_linear(n.head, head_, s.vocabulary, s.embedding_size, false);
  if (s.head_bias && !n.head.empty()) list.push_back({n.head + ".bias", {s.vocabulary}, &head_.bias});
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
                                                                       {n.fused_qkv, &block.fused_qkv},
                                                                       {n.attention_out, &block.attention_out},
                                                                       {n.gate, &block.gate},
                                                                       {n.up, &block.up},
                                                                       {n.fused_gate_up, &block.fused_gate_up},
                                                                       {n.down, &block.down}}) {
      const bool of_mlp = linear == &block.gate || linear == &block.up || linear == &block.down;
      if (!part.empty() && !(of_mlp && spec_.has_experts(i))) list.push_back({spec_.layer_name(i, part), linear});
    }
  }
  list.push_back({n.head, &head_});
  return list;
}

std::vector<RotaryAngles> CausalLM::angles(const PackedBatch& batch) const {
  std::vector<RotaryAngles> result;
  for (const auto& options : spec_.rotary) result.push_back(Rotary(options).angles(batch));
  return result;
}

std::vector<RotaryAngles> CausalLM::angles(const at::Tensor& positions, std::int64_t row_length) const {
  std::vector<RotaryAngles> result;
  for (const auto& options : spec_.rotary) result.push_back(Rotary(options).angles(positions, row_length));
  return result;
}

at::Tensor CausalLM::hidden(const PackedBatch& batch) const {
  return finish(layers(batch, blocks_.size(), [](const at::Tensor&) {}));
}

std::vector<at::Tensor> CausalLM::residuals(const PackedBatch& batch, const std::vector<std::int64_t>& wanted) const {
  std::vector<at::Tensor> result;
  if (wanted.empty()) return result;
  std::int64_t index = 0;
  layers(batch, static_cast<std::size_t>(wanted.back()) + 1, [&](const at::Tensor& x) {
    if (index++ == wanted.at(result.size())) result.push_back(x);
  });
  return result;
}

// The residual stream after `count` layers. Calls `after` with the stream after each of them.
at::Tensor CausalLM::layers(const PackedBatch& batch, std::size_t count,
                            const std::function<void(const at::Tensor&)>& after) const {
  if (batch.lowest_id < 0 || batch.highest_id >= input_ids()) {
    throw bad_input("cannot compute with these tokens")
        .wanted("ids below vocab_size " + std::to_string(spec_.vocabulary))
        .found(std::to_string(batch.lowest_id < 0 ? batch.lowest_id : batch.highest_id))
        .with("likely", "the tokenizer belongs to another model");
  }
  if (positions_.defined() && batch.highest_position >= spec_.max_positions) {
    throw bad_input("cannot compute with these rows")
        .wanted("at most " + with_commas(static_cast<std::uint64_t>(spec_.max_positions)) +
                " tokens, the model's positions")
        .found(with_commas(static_cast<std::uint64_t>(batch.highest_position + 1)));
  }
  // A recomputed layer uses these after this call: the rows, the angles, and the adapters' mode with a copy of its
  // random state.
  const bool again_later = recompute && c10::GradMode::is_enabled();
  const auto attention = std::make_shared<PackedAttention>(batch);
  const auto turns = std::make_shared<const std::vector<RotaryAngles>>(angles(batch));
  at::Tensor x = embed(batch.ids, batch.positions);
  for (std::size_t i = 0; i < count; ++i) {
    if (again_later) {
      const std::optional<RandomStream> randomness =
          adapters.randomness != nullptr ? std::optional(*adapters.randomness) : std::nullopt;
      x = checkpointed(
          [this, i, attention, turns, mode = adapters, randomness, again = false](const at::Tensor& input) mutable {
            AdapterMode same = mode;
            std::optional<RandomStream> stream = randomness;
            if (stream && again) same.randomness = &*stream;
            again = true;
            return block(i, input, *turns, *attention, same);
          },
          x,
          [this, i] {
            if (layer_weights) layer_weights->differentiated(i);
          });
    } else {
      x = block(i, x, *turns, *attention, adapters);
    }
    after(x);
  }
  return x;
}

at::Tensor CausalLM::hidden(const at::Tensor& ids, const at::Tensor& positions, const std::vector<RotaryAngles>& angles,
                            AttentionContext& attention) const {
  at::Tensor x = embed(ids, positions);
  for (std::size_t i = 0; i < blocks_.size(); ++i) x = block(i, x, angles, attention, adapters);
  return finish(x);
}

at::ScalarType CausalLM::activation_dtype() const {
  return activation_type(device(), dtype());
}

at::Tensor CausalLM::embed(const at::Tensor& ids, const at::Tensor& positions) const {
  at::Tensor x = at::embedding(embedding_, soft_prompt.defined() ? ids.clamp_max(spec_.vocabulary - 1) : ids)
                     .to(activation_dtype());
  if (soft_prompt.defined()) {
    const at::Tensor soft = at::embedding(soft_prompt, (ids - spec_.vocabulary).clamp_min(0)).to(x.scalar_type());
    x = at::where((ids >= spec_.vocabulary).unsqueeze(-1), soft, x);
  }
  // The scale is first rounded to the weights' type, as when the published models were trained.
  if (spec_.embedding_scale != 1.0) x = x * at::full({}, spec_.embedding_scale, embedding_.options());
  if (project_in_.defined()) x = project_in_.forward(x, adapters);
  if (positions_.defined()) x = x + at::embedding(positions_, positions + spec_.position_offset);
  return x;
}

at::Tensor CausalLM::finish(const at::Tensor& x) const {
  const at::Tensor normed = final_norm_.forward(x);
  return project_out_.defined() ? project_out_.forward(normed, adapters) : normed;
}

at::Tensor CausalLM::block(std::size_t index, const at::Tensor& x, const std::vector<RotaryAngles>& angles,
                           AttentionContext& attention, const AdapterMode& mode) const {
  const Brought brought(layer_weights.get(), index);
  const Block& b = blocks_[index];
  const auto plus = [&](const at::Tensor& stream, const at::Tensor& update) {
    return spec_.residual_scale == 1.0 ? stream + update : at::add(stream, update, spec_.residual_scale);
  };
  if (spec_.norm_after) {
    const at::Tensor y = b.attention_norm.forward(plus(x, attend(index, x, angles, attention, mode)));
    return b.mlp_norm.forward(plus(y, mlp(b, y, mode)));
  }
  const at::Tensor normed = b.attention_norm.forward(x);
  const at::Tensor y = plus(x, b.post_attention_norm.forward(attend(index, normed, angles, attention, mode)));
  const bool shared = spec_.names.mlp_norm.empty() && spec_.parallel;
  const at::Tensor into_mlp = shared ? normed : b.mlp_norm.forward(spec_.parallel ? x : y);
  return plus(y, b.post_mlp_norm.forward(mlp(b, into_mlp, mode)));
}

CausalLM::QueriesKeysValues CausalLM::project(const Block& b, const at::Tensor& x, const AdapterMode& mode) const {
  const std::int64_t tokens = x.size(0), d = spec_.head_dim;
  const auto heads = [&](const at::Tensor& t, std::int64_t count) { return t.reshape({tokens, count, d}); };
  if (spec_.names.fused_qkv.empty()) {
    return {heads(b.query.forward(x, mode), spec_.heads), heads(b.key.forward(x, mode), spec_.kv_heads),
            heads(b.value.forward(x, mode), spec_.kv_heads)};
  }
  const at::Tensor fused = b.fused_qkv.forward(x, mode);
  if (spec_.qkv_by_head) {
    const at::Tensor by_head = fused.view({tokens, spec_.heads, 3, d});
    return {by_head.select(2, 0), by_head.select(2, 1), by_head.select(2, 2)};
  }
  const std::int64_t queries = spec_.heads * d, keys = spec_.kv_heads * d;
  return {heads(fused.narrow(1, 0, queries), spec_.heads), heads(fused.narrow(1, queries, keys), spec_.kv_heads),
          heads(fused.narrow(1, queries + keys, keys), spec_.kv_heads)};
}

at::Tensor CausalLM::attend(std::size_t index, const at::Tensor& x, const std::vector<RotaryAngles>& angles,
                            AttentionContext& attention, const AdapterMode& mode) const {
  const Block& b = blocks_[index];
  auto [q, k, v] = project(b, x, mode);
  if (spec_.query_key_norm == QueryKeyNorm::whole) {
    q = b.query_norm.forward(q.flatten(1)).view(q.sizes());
    k = b.key_norm.forward(k.flatten(1)).view(k.sizes());
  } else {
    q = b.query_norm.forward(q);
    k = b.key_norm.forward(k);
  }
  if (!angles.empty()) {
    const auto& turn = angles[spec_.rotary_of_layer.empty() ? 0 : spec_.rotary_of_layer[index]];
    q = rotate(q, turn);
    k = rotate(k, turn);
  }
  AttentionOptions options;
  options.scale =
      spec_.attention_scale != 0 ? spec_.attention_scale : 1.0 / std::sqrt(static_cast<double>(spec_.head_dim));
  if (spec_.attention_scale_by_layer) options.scale /= static_cast<double>(index + 1);
  options.softcap = spec_.attention_softcap;
  if (!spec_.windows.empty()) options.window = spec_.windows[index];
  const at::Tensor out = attention.attend(static_cast<int>(index), q, k, v, options);
  return b.attention_out.forward(out.reshape({x.size(0), spec_.heads * spec_.head_dim}), mode);
}

at::Tensor CausalLM::mlp(const Block& b, const at::Tensor& x, const AdapterMode& mode) const {
  if (!b.mixture.experts.empty()) return b.mixture.forward(x, spec_.activation);
  if (!spec_.names.fused_gate_up.empty()) {
    const at::Tensor fused = b.fused_gate_up.forward(x, mode);
    const at::Tensor gate = fused.narrow(1, 0, spec_.intermediate_size),
                     up = fused.narrow(1, spec_.intermediate_size, spec_.intermediate_size);
    return b.down.forward(lethe::gated(gate, up, spec_.activation), mode);
  }
  const at::Tensor up = b.up.forward(x, mode);
  const at::Tensor inner =
      spec_.gated() ? lethe::gated(b.gate.forward(x, mode), up, spec_.activation) : activate(up, spec_.activation);
  return b.down.forward(inner, mode);
}

Head CausalLM::head() const {
  Head head;
  head.weight = spec_.tied_head ? embedding_ : head_.weight;
  head.bias = head_.bias;
  head.scale = spec_.logit_scale;
  head.softcap = spec_.logit_softcap;
  if (adapters.on) {
    for (const auto& adapter : head_.adapters) {
      head.weight = head.weight + (adapter.scale * at::mm(adapter.b, adapter.a)).to(head.weight.scalar_type());
    }
  }
  return head;
}

}  // namespace lethe
