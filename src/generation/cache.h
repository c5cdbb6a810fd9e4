// The key/value cache of decoding: slots for rows that grow by one token per step.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <vector>

#include "architectures/decoder_spec.h"
#include "nn/packed_attention.h"

namespace lethe {

/// Keys and values of up to S rows. The rows in use are 0 … rows()−1: the last row replaces one that is dropped.
class KeyValueCache {
 public:
  /// @param slots     S, rows at a time
  /// @param capacity  C, tokens a row may hold
  KeyValueCache(const DecoderSpec& spec, std::int64_t slots, std::int64_t capacity, const at::TensorOptions& options);

  std::int64_t rows() const { return static_cast<std::int64_t>(lengths_.size()); }
  std::int64_t slots() const { return slots_; }
  /// Tokens of a row so far.
  std::int64_t length(std::int64_t row) const { return lengths_[row]; }

  /// Adds a row for a prompt of n tokens. fill() then stores its keys and values, layer by layer, [n, G, d].
  void begin_row(std::int64_t length) {
    lengths_.push_back(length);
    next_ = at::Tensor();
  }
  void fill(int layer, std::int64_t row, const at::Tensor& k, const at::Tensor& v);
  /// The same for the tokens of several rows at once, as on a GPU.
  /// @param rows, positions  [T] int64: the row and the place in it of each token; k and v [T, G, d]
  void fill(int layer, const at::Tensor& rows, const at::Tensor& positions, const at::Tensor& k, const at::Tensor& v);
  /// Drops row `row`; the last row takes its place.
  void drop_row(std::int64_t row);

  /// Another number of slots and another capacity, both large enough for the rows in use, which are copied.
  void resize(std::int64_t slots, std::int64_t capacity);

  /// Appends one token's k and v [rows, G, d] and attends with q [rows, H, d] to all of each row's tokens.
  at::Tensor append_and_attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const AttentionOptions& options);
  /// Called once per step, before the first layer: sets where the step's tokens go.
  void begin_step();
  /// Called once per step, after the last layer.
  void end_step();
  /// [rows] int64: the position of the token each row takes next. It stays on the device from step to step.
  at::Tensor next_positions();

 private:
  std::int64_t slots_;
  std::vector<at::Tensor> keys_, values_;  // a layer: [S, G, C, d]
  std::vector<std::int64_t> lengths_;
  const at::Tensor& mask(std::int64_t window);
  at::Tensor next_;                           // next_positions(); undefined after rows came or went
  at::Tensor index_;                          // of this step: [rows, 1, 1, 1] int64
  std::map<std::int64_t, at::Tensor> masks_;  // of this step, by window: [rows, 1, 1, longest] in the compute type
  std::int64_t longest_ = 0;
};

/// Attention over a pack of prompts that stores their keys and values in the cache.
class PrefillAttention : public AttentionContext {
 public:
  /// The rows of the pack go to cache rows first_row, first_row + 1, … On a CPU they may share one prefix, the first
  /// segment, whose keys and values are copied to each of them.
  PrefillAttention(const PackedBatch& batch, KeyValueCache& cache, std::int64_t first_row);
  at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionOptions& options) override;

 private:
  PackedAttention packed_;
  std::vector<Segment> segments_;
  KeyValueCache& cache_;
  std::int64_t first_row_;
  at::Tensor rows_, positions_;  // of the tokens, on a GPU
};

/// Attention of one new token per row over the cache.
class CachedAttention : public AttentionContext {
 public:
  explicit CachedAttention(KeyValueCache& cache) : cache_(cache) {}
  at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionOptions& options) override {
    return cache_.append_and_attend(layer, q, k, v, options);
  }

 private:
  KeyValueCache& cache_;
};

}  // namespace lethe
