#include "models/encoder.h"

#include <cmath>

#include "core/error.h"
#include "nn/attention.h"
#include "nn/packed_attention.h"

namespace lethe {

TypedRow typed_row(Encoding encoding, bool with_types) {
  TypedRow row{std::move(encoding.ids), {}};
  if (with_types) row.types = std::move(encoding.types);
  return row;
}

EncoderBatch pack_rows(std::span<const TypedRow> rows, at::Device device) {
  PackBuilder pack;
  std::vector<std::int64_t> types;
  for (const TypedRow& row : rows) {
    pack.add(row.ids);
    if (row.types.empty()) {
      types.resize(types.size() + row.ids.size(), 0);
    } else {
      types.insert(types.end(), row.types.begin(), row.types.end());
    }
  }
  return {pack.build(device), at::tensor(types, at::kLong).to(device)};
}

std::vector<Parameter> Encoder::parameters() {
  const EncoderSpec& s = spec_;
  std::vector<Parameter> list;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, at::Tensor& tensor) {
    list.push_back({s.prefix + name, std::move(shape), &tensor});
  };
  const auto add_linear = [&](const std::string& name, Linear& linear, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in}, linear.weight);
    add(name + ".bias", {out}, linear.bias);
  };
  const auto add_norm = [&](const std::string& name, Norm& norm, std::int64_t size) {
    norm.kind = NormKind::layer;
    norm.epsilon = s.norm_epsilon;
    add(name + ".weight", {size}, norm.weight);
    add(name + ".bias", {size}, norm.bias);
  };
  add("embeddings.word_embeddings.weight", {s.vocabulary, s.embedding_size}, words_);
  add("embeddings.position_embeddings.weight", {s.position_rows, s.embedding_size}, positions_);
  add("embeddings.token_type_embeddings.weight", {s.types, s.embedding_size}, types_);
  add_norm("embeddings.LayerNorm", embedding_norm_, s.embedding_size);
  if (!s.projection.empty()) add_linear(s.projection, projection_, s.hidden_size, s.embedding_size);
  for (std::int64_t i = 0; i < s.layers; ++i) {
    Block& block = blocks_[i];
    const std::string layer = "encoder.layer." + std::to_string(i) + ".";
    add_linear(layer + "attention.self.query", block.query, s.hidden_size, s.hidden_size);
    add_linear(layer + "attention.self.key", block.key, s.hidden_size, s.hidden_size);
    add_linear(layer + "attention.self.value", block.value, s.hidden_size, s.hidden_size);
    add_linear(layer + "attention.output.dense", block.attention_out, s.hidden_size, s.hidden_size);
    add_norm(layer + "attention.output.LayerNorm", block.attention_norm, s.hidden_size);
    add_linear(layer + "intermediate.dense", block.up, s.intermediate_size, s.hidden_size);
    add_linear(layer + "output.dense", block.down, s.hidden_size, s.intermediate_size);
    add_norm(layer + "output.LayerNorm", block.output_norm, s.hidden_size);
  }
  add_linear("pooler.dense", pooler_, s.hidden_size, s.hidden_size);
  return list;
}

// As in RoBERTa: padding tokens within the text get the padding position and do not shift the others.
at::Tensor Encoder::positions(const EncoderBatch& batch) const {
  if (!spec_.padding_id) return batch.pack.positions;
  const at::Tensor counted = batch.pack.ids.ne(*spec_.padding_id).to(at::kLong);
  std::vector<at::Tensor> rows;
  for (const Segment& row : batch.pack.segments) {
    const at::Tensor own = counted.slice(0, row.begin, row.end);
    rows.push_back(own.cumsum(0) * own + *spec_.padding_id);
  }
  return at::cat(rows);
}

at::Tensor Encoder::hidden(const EncoderBatch& batch) const {
  for (const Segment& row : batch.pack.segments) {
    if (row.size() >= 1 && row.size() <= spec_.max_tokens()) continue;
    throw bad_input("cannot encode a row of " + std::to_string(row.size()) + " tokens")
        .wanted("1 to " + std::to_string(spec_.max_tokens()) + " tokens");
  }
  if (batch.pack.highest_id >= spec_.vocabulary) {
    throw bad_input("cannot encode token " + std::to_string(batch.pack.highest_id))
        .wanted("an id below vocab_size " + std::to_string(spec_.vocabulary))
        .with("likely", "the tokenizer belongs to another model");
  }
  const AdapterMode plain{.on = false};
  at::Tensor x = at::embedding(words_, batch.pack.ids) + at::embedding(types_, batch.types) +
                 at::embedding(positions_, positions(batch));
  x = embedding_norm_.forward(x);
  if (projection_.defined()) x = projection_.forward(x, plain);
  PackedAttention attention(batch.pack);
  const AttentionOptions options{.scale = 1.0 / std::sqrt(static_cast<double>(spec_.head_dim())), .causal = false};
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const Block& b = blocks_[i];
    const auto heads = [&](const Linear& linear) {
      return linear.forward(x, plain).view({x.size(0), spec_.heads, spec_.head_dim()});
    };
    const at::Tensor seen =
        attention.attend(static_cast<int>(i), heads(b.query), heads(b.key), heads(b.value), options);
    x = b.attention_norm.forward(x + b.attention_out.forward(seen.reshape({x.size(0), spec_.hidden_size}), plain));
    const at::Tensor inner = activate(b.up.forward(x, plain), spec_.activation);
    x = b.output_norm.forward(x + b.down.forward(inner, plain));
  }
  return x;
}

at::Tensor Encoder::first_tokens(const at::Tensor& hidden, const EncoderBatch& batch) {
  std::vector<std::int64_t> first;
  for (const Segment& row : batch.pack.segments) first.push_back(row.begin);
  return hidden.index_select(0, at::tensor(first, at::kLong).to(hidden.device()));
}

at::Tensor Encoder::pooled(const at::Tensor& hidden, const EncoderBatch& batch) const {
  if (!has_pooler()) throw bad_input("cannot pool: the checkpoint has no " + spec_.prefix + "pooler");
  return at::tanh(pooler_.forward(first_tokens(hidden, batch), {.on = false}));
}

}  // namespace lethe
