// The encoder: BERT's stack over a packed batch, where every token attends to its whole row. An EncoderSpec describes
// the model family.
#pragma once

#include <ATen/ATen.h>

#include <span>
#include <vector>

#include "architectures/encoder_spec.h"
#include "models/parameter.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/packed_batch.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// Tokens of one text or of a pair. `types` says to which of the two each belongs (0 or 1); empty: all 0.
struct TypedRow {
  std::vector<int> ids, types;
};

/// Concatenated rows, without shared prompts.
struct EncoderBatch {
  PackedBatch pack;
  at::Tensor types;  ///< [T] int64
};

/// The row of a tokenised text or pair. @param with_types  false: the model has only one type
TypedRow typed_row(Encoding encoding, bool with_types);

EncoderBatch pack_rows(std::span<const TypedRow> rows, at::Device device);

class Encoder {
 public:
  /// Without weights: load_encoder() fills them (models/encoder_loading.h).
  explicit Encoder(EncoderSpec spec) : spec_(std::move(spec)), blocks_(spec_.layers) {}

  /// Last hidden states. @return [T, D]
  /// @throws Error (bad input) for a row that is empty or longer than max_tokens()
  at::Tensor hidden(const EncoderBatch& batch) const;
  /// Hidden states of each row's first token ([CLS], <s>). @return [B, D]
  static at::Tensor first_tokens(const at::Tensor& hidden, const EncoderBatch& batch);
  /// tanh of the pooler's dense layer of each row's first token. @return [B, D]
  /// @throws Error (bad input) if the checkpoint has no pooler
  at::Tensor pooled(const at::Tensor& hidden, const EncoderBatch& batch) const;

  /// Every weight once under its full name, the pooler last.
  std::vector<Parameter> parameters();
  bool has_pooler() const { return pooler_.defined(); }
  const EncoderSpec& spec() const { return spec_; }
  at::Device device() const { return words_.device(); }

 private:
  struct Block {
    Linear query, key, value, attention_out, up, down;
    Norm attention_norm, output_norm;
  };
  at::Tensor positions(const EncoderBatch& batch) const;

  EncoderSpec spec_;
  at::Tensor words_, positions_, types_;  // [V, E], [positions, E], [types, E]
  Norm embedding_norm_;
  Linear projection_, pooler_;
  std::vector<Block> blocks_;
};

}  // namespace lethe
