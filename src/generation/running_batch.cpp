#include "generation/running_batch.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/error.h"
#include "tensors/device.h"

namespace lethe {
namespace {

constexpr std::int64_t kSmallestCapacity = 128;  // tokens of a row, where the cache adapts
constexpr std::int64_t kScoredAtOnce = 256;      // prompt positions whose logits exist at the same time

}  // namespace

struct RunningBatch::Row {
  BatchRow given;
  std::int64_t limit = 0;  // new tokens it may have
  bool whole = false;      // without the cache, since the rotary frequencies change with the row's length
  std::int64_t made = 0;
  int next = 0;          // token to feed
  std::vector<int> ids;  // of a whole row: the prompt and its tokens

  std::int64_t length() const { return static_cast<std::int64_t>(given.prompt.size()); }
  bool cached() const { return !whole && limit > 1; }  // a first token needs no cache
};

void check_prompt(const CausalLM& model, std::span<const int> prompt, const std::string& doing) {
  if (prompt.empty()) throw bad_input(doing).wanted("at least one token").found("none");
  for (const int id : prompt) {
    if (id < 0 || id >= model.input_ids()) {
      throw bad_input(doing)
          .wanted("ids below the vocabulary's " + with_commas(model.input_ids()))
          .found(std::to_string(id));
    }
  }
  const std::int64_t positions = model.spec().max_positions;
  if (positions > 0 && static_cast<std::int64_t>(prompt.size()) > positions) {
    throw bad_input(doing)
        .wanted("at most " + with_commas(positions) + " tokens, the model's positions")
        .found(with_commas(prompt.size()));
  }
}

std::int64_t new_tokens_within(const CausalLM& model, std::size_t prompt, std::int64_t wanted) {
  const std::int64_t positions = model.spec().max_positions;
  return positions > 0 ? std::min(wanted, positions - static_cast<std::int64_t>(prompt)) : wanted;
}

std::int64_t cache_bytes_of_token(const CausalLM& model) {
  const auto& s = model.spec();
  const auto element = static_cast<std::int64_t>(at::elementSize(model.activation_dtype()));
  return std::max<std::int64_t>(1, 2 * s.layers * s.kv_heads * s.head_dim * element);
}

std::int64_t default_cache_bytes(const CausalLM& model) {
  if (model.device().is_cpu()) return std::int64_t{1} << 30;
  return static_cast<std::int64_t>(free_device_bytes(model.device()) / 2);
}

RunningBatch::RunningBatch(const CausalLM& model, const RunningBatchOptions& options)
    : model_(model), options_(options) {
  options_.batch = std::max<std::int64_t>(1, options_.batch);
}

RunningBatch::~RunningBatch() = default;

std::size_t RunningBatch::rows() const {
  return entering_.size() + rows_.size() + whole_.size();
}

bool RunningBatch::add(const BatchRow& given) {
  if (static_cast<std::int64_t>(rows()) >= options_.batch) return false;
  Row row{.given = given, .limit = new_tokens_within(model_, given.prompt.size(), given.max_new_tokens)};
  const auto bound = model_.spec().length_limit();
  row.whole = bound && row.length() + row.limit > *bound;
  if (row.cached() && !make_room(row.length() + row.limit)) return false;
  entering_.push_back(std::move(row));
  return true;
}

std::int64_t RunningBatch::cached_tokens() {
  if (options_.cache_bytes <= 0) options_.cache_bytes = default_cache_bytes(model_);
  return options_.cache_bytes / cache_bytes_of_token(model_);
}

bool RunningBatch::make_room(std::int64_t tokens) {
  std::int64_t used = 0, longest = std::max(tokens, options_.capacity);
  const auto count = [&](const Row& row) {
    if (!row.cached()) return;
    ++used;
    longest = std::max(longest, row.length() + row.limit);
  };
  for (const Row& row : rows_) count(row);
  for (const Row& row : entering_) count(row);
  if (cache_ && tokens <= capacity_ && used < cache_->slots()) return true;
  if (options_.capacity == 0) {  // few different sizes, so that the cache is seldom made anew
    const auto rounded = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(longest)));
    const std::int64_t most = std::max(longest, cached_tokens());  // rounding must not exceed the cache's bytes
    longest = new_tokens_within(model_, 0, std::min(std::max(kSmallestCapacity, rounded), most));
  }
  const std::int64_t slots = std::clamp<std::int64_t>(cached_tokens() / longest, 1, options_.batch);
  if (slots <= used) return false;
  // A cache for shorter rows is worth copying the rows only if it holds many more of them.
  if (cache_ && tokens <= capacity_ && slots < 2 * cache_->slots()) return false;
  capacity_ = longest;
  if (cache_ && cache_->rows() > 0) {
    cache_->resize(slots, capacity_);
  } else {
    cache_.reset();
    cache_ = std::make_unique<KeyValueCache>(
        model_.spec(), slots, capacity_, at::TensorOptions().dtype(model_.activation_dtype()).device(model_.device()));
  }
  return true;
}

at::Tensor RunningBatch::logits(const at::Tensor& hidden) const {
  return model_.head().logits(hidden).to(at::kFloat);
}

bool RunningBatch::prefill() {
  if (entering_.empty()) return false;
  const std::int64_t pack_tokens = on_cpu() ? 2048 : 8192;
  const bool cached = entering_.front().cached();
  std::vector<Row> uncached;
  std::vector<Row>& rows = cached ? rows_ : uncached;
  const std::size_t first = rows.size();
  std::int64_t tokens = 0;
  std::size_t taken = 0;
  while (taken < entering_.size() && entering_[taken].cached() == cached &&
         (taken == 0 || tokens + entering_[taken].length() <= pack_tokens)) {
    rows.push_back(std::move(entering_[taken++]));
    tokens += rows.back().length();
    if (cached) cache_->begin_row(rows.back().length());
  }
  entering_.erase(entering_.begin(), entering_.begin() + static_cast<std::ptrdiff_t>(taken));
  const std::size_t shared = cached && on_cpu() ? shared_beginning(std::span<const Row>(rows).subspan(first)) : 0;
  PackBuilder pack;
  const auto whole = [](const Row& row) { return std::vector<int>(row.given.prompt.begin(), row.given.prompt.end()); };
  const int prefix = shared > 0 ? pack.add(whole(rows[first]), 0, shared, -1) : -1;
  std::vector<std::int64_t> last;
  for (const Row& row : std::span<const Row>(rows).subspan(first)) {
    pack.add(whole(row), shared, row.given.prompt.size(), prefix);
    last.push_back(pack.tokens() - 1);
  }
  const PackedBatch batch = pack.build(model_.device());
  at::Tensor hidden;
  if (cached) {
    PrefillAttention attention(batch, *cache_, static_cast<std::int64_t>(first));
    hidden = model_.hidden(batch.ids, batch.positions, model_.angles(batch), attention);
  } else {
    hidden = model_.hidden(batch);
  }
  report_prompts(hidden, std::span<const Row>(rows).subspan(first));
  const at::Tensor next = logits(hidden.index_select(0, to_device(at::tensor(last, at::kLong), hidden.device())));
  choose(next, rows, first, cached);
  for (Row& row : uncached) {  // those that go on are whole rows
    row.ids.assign(row.given.prompt.begin(), row.given.prompt.end());
    row.ids.push_back(row.next);
    whole_.push_back(std::move(row));
  }
  return true;
}

/// How many tokens all prompts begin with, such as a chat's system message: they are computed once. Each row keeps a
/// token of its own. 0 where it is not worth it, or where the prompts' log-probabilities are wanted.
std::size_t RunningBatch::shared_beginning(std::span<const Row> rows) {
  constexpr std::size_t kWorthwhile = 8;  // tokens
  if (rows.size() < 2) return 0;
  std::vector<std::span<const int>> beginnings;
  for (const Row& row : rows) {
    if (row.given.prompt_chances) return 0;
    beginnings.push_back(row.given.prompt.first(row.given.prompt.size() - 1));
  }
  const std::size_t length = common_beginning(beginnings);
  return length < kWorthwhile ? 0 : length;
}

void RunningBatch::report_prompts(const at::Tensor& hidden, std::span<const Row> rows) {
  std::int64_t begin = 0;
  for (const Row& row : rows) {
    const std::int64_t end = begin + row.length();
    if (row.given.prompt_chances) {
      std::vector<TokenChances> chances;
      for (std::int64_t i = begin; i < end - 1; i += kScoredAtOnce) {
        const std::int64_t count = std::min(kScoredAtOnce, end - 1 - i);
        const auto scored = token_chances(
            logits(hidden.narrow(0, i, count)),
            row.given.prompt.subspan(static_cast<std::size_t>(i - begin + 1), static_cast<std::size_t>(count)),
            row.given.chances.value_or(0));
        chances.insert(chances.end(), scored.begin(), scored.end());
      }
      row.given.prompt_read(std::move(chances));
    }
    begin = end;
  }
}

/// Appends a row's next token. @return whether the row goes on
bool RunningBatch::take(Row& row, std::int64_t token, const TokenChances* chances) {
  row.next = static_cast<int>(token);
  ++row.made;
  const bool stops =
      std::find(row.given.stop_ids.begin(), row.given.stop_ids.end(), row.next) != row.given.stop_ids.end();
  const bool goes_on = !row.given.token || row.given.token({row.next, stops, chances});
  if (goes_on && !stops && row.made < row.limit) return true;
  if (row.given.ended) row.given.ended(stops);
  return false;
}

/// Chooses a token for rows first, first + 1, … from their logits, and drops rows that ended.
void RunningBatch::choose(const at::Tensor& logits, std::vector<Row>& rows, std::size_t first, bool cached) {
  const std::span<Row> those = std::span(rows).subspan(first);
  const std::vector<std::int64_t> tokens = chosen(logits, those, cached);
  if (cached && first > 0) next_ = at::Tensor();
  std::vector<std::size_t> leaving;
  for (std::size_t i = 0; i < those.size(); ++i) {
    Row& row = those[i];
    std::vector<TokenChances> chances;
    if (row.limit > 0 && row.given.chances) {
      const int id = static_cast<int>(tokens[i]);
      chances = token_chances(logits.narrow(0, static_cast<std::int64_t>(i), 1), {&id, 1}, *row.given.chances);
    }
    if (row.limit > 0) {
      if (!take(row, tokens[i], chances.empty() ? nullptr : chances.data())) leaving.push_back(first + i);
    } else {  // only its prompt was to be read
      if (row.given.ended) row.given.ended(false);
      leaving.push_back(first + i);
    }
  }
  for (std::size_t i = leaving.size(); i-- > 0;) {  // from the end: the last row takes the place of one that left
    if (cached) cache_->drop_row(static_cast<std::int64_t>(leaving[i]));
    rows[leaving[i]] = std::move(rows.back());
    rows.pop_back();
  }
  if (cached && !leaving.empty()) next_ = at::Tensor();
}

/// A token for each row. On a GPU they stay there for the next step, and only they are read: the one moment of a step
/// that waits.
std::vector<std::int64_t> RunningBatch::chosen(const at::Tensor& logits, std::span<Row> rows, bool cached) {
  std::vector<std::int64_t> tokens;
  if (on_cpu()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      tokens.push_back(
          sample_token(logits[static_cast<std::int64_t>(i)], rows[i].given.sampling, rows[i].given.stream));
    }
    return tokens;
  }
  const at::Tensor ids = sampled(logits, rows);
  if (cached) next_ = ids;
  const at::Tensor read = ids.cpu();
  const std::int64_t* values = read.const_data_ptr<std::int64_t>();
  tokens.assign(values, values + read.numel());
  return tokens;
}

/// Tokens on a GPU: one call for all rows that sample alike.
at::Tensor RunningBatch::sampled(const at::Tensor& logits, std::span<Row> rows) const {
  at::Tensor tokens;
  std::vector<bool> done(rows.size());
  for (std::size_t begin = 0; begin < rows.size(); ++begin) {
    if (done[begin]) continue;
    const SamplingOptions& sampling = rows[begin].given.sampling;
    std::vector<std::int64_t> alike;
    std::vector<double> uniforms;
    for (std::size_t i = begin; i < rows.size(); ++i) {
      if (rows[i].given.sampling != sampling) continue;
      done[i] = true;
      alike.push_back(static_cast<std::int64_t>(i));
      if (sampling.temperature > 0) uniforms.push_back(rows[i].given.stream.uniform());
    }
    at::Tensor draws;
    if (sampling.temperature > 0) draws = to_device(at::tensor(uniforms, at::kDouble), logits.device());
    if (alike.size() == rows.size()) return sample_tokens(logits, sampling, draws);
    const at::Tensor where = to_device(at::tensor(alike, at::kLong), logits.device());
    if (!tokens.defined()) tokens = at::zeros({logits.size(0)}, where.options());
    tokens.index_copy_(0, where, sample_tokens(logits.index_select(0, where), sampling, draws));
  }
  return tokens;
}

void RunningBatch::decode() {
  decode_whole_rows();
  if (rows_.empty()) return;
  at::Tensor ids = next_;
  if (!ids.defined()) {
    std::vector<std::int64_t> tokens;
    for (const Row& row : rows_) tokens.push_back(row.next);
    ids = to_device(at::tensor(tokens, at::kLong), model_.device());
  }
  const at::Tensor positions = cache_->next_positions();
  cache_->begin_step();
  CachedAttention attention(*cache_);
  const at::Tensor hidden = model_.hidden(ids, positions, model_.angles(positions, 0), attention);
  cache_->end_step();
  choose(logits(hidden), rows_, 0, true);
}

void RunningBatch::decode_whole_rows() {
  std::vector<Row> rows = std::exchange(whole_, {});
  for (Row& row : rows) {
    PackBuilder pack;
    pack.add(row.ids);
    const at::Tensor hidden = model_.hidden(pack.build(model_.device()));
    std::vector<Row> one;
    one.push_back(std::move(row));
    choose(logits(hidden.slice(0, hidden.size(0) - 1)), one, 0, false);
    if (one.empty()) continue;
    one[0].ids.push_back(one[0].next);
    whole_.push_back(std::move(one[0]));
  }
}

}  // namespace lethe
