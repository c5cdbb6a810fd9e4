#include "generation/cache.h"

#include <algorithm>
#include <limits>

#include "kernels/decode_attention.h"
#include "kernels/skinny_gemm.h"
#include "tensors/device.h"

namespace lethe {

KeyValueCache::KeyValueCache(const DecoderSpec& spec, std::int64_t slots, std::int64_t capacity,
                             const at::TensorOptions& options)
    : slots_(slots) {
  for (std::int64_t i = 0; i < spec.layers; ++i) {
    keys_.push_back(at::zeros({slots, spec.kv_heads, capacity, spec.head_dim}, options));
    values_.push_back(at::zeros({slots, spec.kv_heads, capacity, spec.head_dim}, options));
  }
}

void KeyValueCache::fill(int layer, std::int64_t row, const at::Tensor& k, const at::Tensor& v) {
  keys_[layer][row].slice(1, 0, k.size(0)).copy_(k.transpose(0, 1));
  values_[layer][row].slice(1, 0, v.size(0)).copy_(v.transpose(0, 1));
}

void KeyValueCache::fill(int layer, const at::Tensor& rows, const at::Tensor& positions, const at::Tensor& k,
                         const at::Tensor& v) {
  keys_[layer].transpose(1, 2).index_put_({rows, positions}, k);
  values_[layer].transpose(1, 2).index_put_({rows, positions}, v);
}

void KeyValueCache::drop_row(std::int64_t row) {
  const std::int64_t last = rows() - 1;
  if (row != last) {
    for (std::size_t layer = 0; layer < keys_.size(); ++layer) {
      keys_[layer][row].slice(1, 0, lengths_[last]).copy_(keys_[layer][last].slice(1, 0, lengths_[last]));
      values_[layer][row].slice(1, 0, lengths_[last]).copy_(values_[layer][last].slice(1, 0, lengths_[last]));
    }
    lengths_[row] = lengths_[last];
  }
  lengths_.pop_back();
  next_ = at::Tensor();
}

void KeyValueCache::resize(std::int64_t slots, std::int64_t capacity) {
  const std::int64_t longest = lengths_.empty() ? 0 : *std::max_element(lengths_.begin(), lengths_.end());
  for (std::vector<at::Tensor>* stored : {&keys_, &values_}) {
    for (at::Tensor& old : *stored) {  // one layer at a time, so that only one exists twice
      at::Tensor other = at::zeros({slots, old.size(1), capacity, old.size(3)}, old.options());
      other.slice(0, 0, rows()).slice(2, 0, longest).copy_(old.slice(0, 0, rows()).slice(2, 0, longest));
      old = other;
    }
  }
  slots_ = slots;
}

at::Tensor KeyValueCache::next_positions() {
  if (!next_.defined()) next_ = to_device(at::tensor(lengths_, at::kLong), keys_[0].device());
  return next_;
}

void KeyValueCache::begin_step() {
  longest_ = *std::max_element(lengths_.begin(), lengths_.end()) + 1;
  index_ = next_positions().view({rows(), 1, 1, 1});
  masks_.clear();
}

const at::Tensor& KeyValueCache::mask(std::int64_t window) {
  at::Tensor& mask = masks_[window];
  if (mask.defined()) return mask;
  const at::Tensor columns = at::arange(longest_, index_.options()).view({1, 1, 1, longest_});
  at::Tensor hidden = columns > index_;
  if (window > 0) hidden = hidden.logical_or(columns <= index_ - window);
  mask = at::zeros({rows(), 1, 1, longest_}, keys_[0].options())
             .masked_fill_(hidden, -std::numeric_limits<float>::infinity());
  return mask;
}

void KeyValueCache::end_step() {
  for (auto& length : lengths_) ++length;
  next_ = next_ + 1;
}

at::Tensor KeyValueCache::append_and_attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                            const AttentionOptions& options) {
  const std::int64_t n = rows();
  if (options.softcap == 0 && q.device().is_cpu() && q.scalar_type() == at::kFloat && has_skinny_gemm()) {
    const at::Tensor own_q = q.contiguous(), own_k = k.contiguous(), own_v = v.contiguous();
    at::Tensor out = at::empty(own_q.sizes(), own_q.options());
    decode_attention({.rows = n,
                      .heads = q.size(1),
                      .key_heads = k.size(1),
                      .dim = q.size(2),
                      .capacity = keys_[layer].size(2),
                      .q = own_q.const_data_ptr<float>(),
                      .k = own_k.const_data_ptr<float>(),
                      .v = own_v.const_data_ptr<float>(),
                      .keys = keys_[layer].mutable_data_ptr<float>(),
                      .values = values_[layer].mutable_data_ptr<float>(),
                      .lengths = lengths_.data(),
                      .window = options.window,
                      .scale = static_cast<float>(options.scale),
                      .out = out.mutable_data_ptr<float>()});
    return out;
  }
  at::Tensor keys = keys_[layer].slice(0, 0, n).slice(2, 0, longest_);
  at::Tensor values = values_[layer].slice(0, 0, n).slice(2, 0, longest_);
  const at::Tensor where = index_.expand({n, k.size(1), 1, k.size(2)});
  keys.scatter_(2, where, k.unsqueeze(2));
  values.scatter_(2, where, v.unsqueeze(2));
  // The heads that share keys take the place of several queries, so that the keys are not repeated: [n, G, H/G, d].
  const at::Tensor query = q.reshape({n, k.size(1), q.size(1) / k.size(1), q.size(2)});
  if (options.softcap > 0) {
    at::Tensor scores = at::matmul(query, keys.transpose(2, 3)) * options.scale;
    scores = (scores / options.softcap).tanh() * options.softcap + mask(options.window);
    return at::matmul(scores.softmax(-1), values).reshape(q.sizes());
  }
  return at::scaled_dot_product_attention(query, keys, values, mask(options.window), 0.0, false, options.scale)
      .reshape(q.sizes());
}

PrefillAttention::PrefillAttention(const PackedBatch& batch, KeyValueCache& cache, std::int64_t first_row)
    : packed_(batch), segments_(batch.segments), cache_(cache), first_row_(first_row) {
  if (batch.ids.is_cpu()) return;
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < segments_.size(); ++i)
    rows.insert(rows.end(), static_cast<std::size_t>(segments_[i].size()), first_row_ + static_cast<std::int64_t>(i));
  rows_ = to_device(at::tensor(rows, at::kLong), batch.ids.device());
  positions_ = batch.positions;
}

at::Tensor PrefillAttention::attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                    const AttentionOptions& options) {
  if (rows_.defined()) cache_.fill(layer, rows_, positions_, k, v);
  const bool shared = segments_.back().prefix >= 0;
  for (std::size_t i = shared ? 1 : 0; !rows_.defined() && i < segments_.size(); ++i) {
    const auto of_row = [&](const at::Tensor& all) {
      const at::Tensor own = all.slice(0, segments_[i].begin, segments_[i].end);
      return shared ? at::cat({all.slice(0, segments_[0].begin, segments_[0].end), own}) : own;
    };
    cache_.fill(layer, first_row_ + static_cast<std::int64_t>(i - (shared ? 1 : 0)), of_row(k), of_row(v));
  }
  return packed_.attend(layer, q, k, v, options);
}

}  // namespace lethe
