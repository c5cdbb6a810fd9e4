#include "generation/generate.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/interrupt.h"
#include "generation/cache.h"
#include "tensors/device.h"

namespace lethe {
namespace {

/// A row being decoded, in the order of the cache's rows.
struct Row {
  std::size_t index = 0;   // of the prompt
  std::int64_t limit = 0;  // new tokens it may have
  RandomStream stream;
  int next = 0;  // token to feed
};

class Decoding {
 public:
  Decoding(const CausalLM& model, std::span<const std::vector<int>> prompts, const GenerationOptions& options)
      : model_(model), prompts_(prompts), options_(options), results_(prompts.size()) {}

  std::vector<Generated> run() {
    std::vector<std::size_t> waiting;
    for (std::size_t i = prompts_.size(); i-- > 0;) {
      check(i);
      if (limit(i) == 0) {
        ended();
      } else if (needs_whole_rows(i)) {
        decode_whole_rows(i);
      } else {
        waiting.push_back(i);  // the first prompt last: taken from the back
      }
    }
    if (waiting.empty()) return std::move(results_);
    std::int64_t capacity = 0;
    for (const auto i : waiting) capacity = std::max(capacity, length(i) + limit(i));
    const auto& s = model_.spec();
    const std::int64_t row_bytes = 2 * s.layers * s.kv_heads * s.head_dim * capacity *
                                   static_cast<std::int64_t>(at::elementSize(model_.activation_dtype()));
    const std::int64_t slots =
        std::clamp<std::int64_t>(std::min(options_.batch, cache_bytes() / std::max<std::int64_t>(1, row_bytes)), 1,
                                 static_cast<std::int64_t>(waiting.size()));
    KeyValueCache cache(s, slots, capacity,
                        at::TensorOptions().dtype(model_.activation_dtype()).device(model_.device()));
    while (!waiting.empty() || !rows_.empty()) {
      admit(cache, waiting);
      if (!rows_.empty()) step(cache);
    }
    return std::move(results_);
  }

 private:
  std::int64_t length(std::size_t i) const { return static_cast<std::int64_t>(prompts_[i].size()); }

  std::int64_t limit(std::size_t i) const {
    const std::int64_t positions = model_.spec().max_positions;
    return positions > 0 ? std::min(options_.max_new_tokens, positions - length(i)) : options_.max_new_tokens;
  }

  void check(std::size_t i) const {
    const auto where = [&] { return bad_input("cannot answer prompt " + std::to_string(i + 1)); };
    if (prompts_[i].empty()) throw where().wanted("at least one token").found("none");
    for (const int id : prompts_[i]) {
      if (id < 0 || id >= model_.input_ids()) {
        throw where().wanted("ids below the vocabulary's " + with_commas(model_.input_ids())).found(std::to_string(id));
      }
    }
    const std::int64_t positions = model_.spec().max_positions;
    if (positions > 0 && length(i) > positions) {
      throw where()
          .wanted("at most " + with_commas(positions) + " tokens, the model's positions")
          .found(with_commas(prompts_[i].size()));
    }
  }

  /// If rotary frequencies change with the row's length, cached keys would be those of another length.
  bool needs_whole_rows(std::size_t i) const {
    const auto bound = model_.spec().length_limit();
    return bound && length(i) + limit(i) > *bound;
  }

  /// Appends a row's next token. @return whether the row goes on
  bool take(std::size_t index, int token) {
    if (std::find(options_.stop_ids.begin(), options_.stop_ids.end(), token) != options_.stop_ids.end()) {
      results_[index].stopped = true;
      return false;
    }
    results_[index].ids.push_back(token);
    if (options_.token && !options_.token(index, token)) return false;
    return static_cast<std::int64_t>(results_[index].ids.size()) < limit(index);
  }

  void ended() {
    ++ended_;
    if (options_.progress) options_.progress(ended_);
  }

  bool on_cpu() const { return model_.device().is_cpu(); }

  std::int64_t cache_bytes() const {
    if (options_.cache_bytes > 0) return options_.cache_bytes;
    return on_cpu() ? std::int64_t{1} << 30 : static_cast<std::int64_t>(free_device_bytes(model_.device()) / 2);
  }

  at::Tensor logits(const at::Tensor& hidden) const { return model_.head().logits(hidden).to(at::kFloat); }

  void decode_whole_rows(std::size_t i) {
    RandomStream stream(options_.seed, "generate", i);
    std::vector<int> ids = prompts_[i];
    for (;;) {
      PackBuilder pack;
      pack.add(ids);
      const at::Tensor hidden = model_.hidden(pack.build(model_.device()));
      const int token = sample_token(logits(hidden.slice(0, hidden.size(0) - 1))[0].cpu(), options_.sampling, stream);
      if (!take(i, token)) break;
      ids.push_back(token);
    }
    ended();
  }

  /// Admits waiting prompts to the free slots, in packs of bounded size.
  void admit(KeyValueCache& cache, std::vector<std::size_t>& waiting) {
    const std::int64_t pack_tokens = on_cpu() ? 2048 : 8192;
    while (!waiting.empty() && cache.rows() < cache.slots()) {
      const std::int64_t first = cache.rows();
      PackBuilder pack;
      std::vector<std::int64_t> last;
      std::vector<std::size_t> taken;
      while (!waiting.empty() && cache.rows() < cache.slots() &&
             (taken.empty() || pack.tokens() + length(waiting.back()) <= pack_tokens)) {
        taken.push_back(waiting.back());
        waiting.pop_back();
        pack.add(prompts_[taken.back()]);
        last.push_back(pack.tokens() - 1);
        cache.begin_row(length(taken.back()));
      }
      const PackedBatch batch = pack.build(model_.device());
      PrefillAttention attention(batch, cache, first);
      const at::Tensor hidden = model_.hidden(batch.ids, batch.positions, model_.angles(batch), attention);
      for (const auto index : taken)
        rows_.push_back({index, limit(index), RandomStream(options_.seed, "generate", index)});
      choose(cache, logits(hidden.index_select(0, to_device(at::tensor(last, at::kLong), hidden.device()))),
             static_cast<std::size_t>(first));
    }
  }

  /// Chooses a token for rows first, first + 1, … from their logits, and drops rows that ended.
  void choose(KeyValueCache& cache, const at::Tensor& logits, std::size_t first) {
    const std::vector<std::int64_t> tokens = chosen(logits, first);
    if (first > 0) next_ = at::Tensor();
    std::vector<std::size_t> leaving;
    for (std::size_t r = first; r < rows_.size(); ++r) {
      rows_[r].next = static_cast<int>(tokens[r - first]);
      if (!take(rows_[r].index, rows_[r].next)) leaving.push_back(r);
    }
    for (std::size_t i = leaving.size();
         i-- > 0;) {  // from the end, since the last row takes the place of one that left
      const std::size_t r = leaving[i];
      cache.drop_row(static_cast<std::int64_t>(r));
      rows_[r] = rows_.back();
      rows_.pop_back();
      ended();
    }
    if (!leaving.empty()) next_ = at::Tensor();
  }

  /// The tokens of rows first, first + 1, … On a GPU they stay there for the next step, and only they are read: the one
  /// moment of a step that waits.
  std::vector<std::int64_t> chosen(const at::Tensor& logits, std::size_t first) {
    std::vector<std::int64_t> tokens;
    if (on_cpu()) {
      for (std::size_t r = first; r < rows_.size(); ++r)
        tokens.push_back(
            sample_token(logits[static_cast<std::int64_t>(r - first)], options_.sampling, rows_[r].stream));
      return tokens;
    }
    at::Tensor draws;
    if (options_.sampling.temperature > 0) {
      std::vector<double> uniforms;
      for (std::size_t r = first; r < rows_.size(); ++r) uniforms.push_back(rows_[r].stream.uniform());
      draws = to_device(at::tensor(uniforms, at::kDouble), logits.device());
    }
    next_ = sample_tokens(logits, options_.sampling, draws);
    const at::Tensor read = next_.cpu();
    const std::int64_t* values = read.const_data_ptr<std::int64_t>();
    tokens.assign(values, values + read.numel());
    return tokens;
  }

  void step(KeyValueCache& cache) {
    if (!options_.token) stop_if_interrupted();  // the token callback decides for itself
    at::Tensor ids = next_;
    if (!ids.defined()) {
      std::vector<std::int64_t> tokens;
      for (const auto& row : rows_) tokens.push_back(row.next);
      ids = to_device(at::tensor(tokens, at::kLong), model_.device());
    }
    const at::Tensor positions = cache.next_positions();
    cache.begin_step();
    CachedAttention attention(cache);
    const at::Tensor hidden = model_.hidden(ids, positions, model_.angles(positions, 0), attention);
    cache.end_step();
    choose(cache, logits(hidden), 0);
  }

  const CausalLM& model_;
  std::span<const std::vector<int>> prompts_;
  const GenerationOptions& options_;
  std::vector<Generated> results_;
  std::vector<Row> rows_;
  at::Tensor next_;  // the rows' next tokens on a GPU; undefined after rows came or went
  std::size_t ended_ = 0;
};

}  // namespace

std::vector<Generated> generate(const CausalLM& model, std::span<const std::vector<int>> prompts,
                                const GenerationOptions& options) {
  const c10::InferenceMode inference;
  return Decoding(model, prompts, options).run();
}

}  // namespace lethe
