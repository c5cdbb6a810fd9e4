// Rows that are decoded together and come and go one by one: continuous batching (Yu et al. 2022, Orca).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "generation/cache.h"
#include "generation/sampling.h"
#include "generation/token_chances.h"
#include "models/causal_lm.h"

namespace lethe {

struct ChosenToken {
  int id = 0;
  bool stops = false;                     ///< one of the row's stop tokens: the row ends with it
  const TokenChances* chances = nullptr;  ///< if the row wants them; gone after the call
};

/// A row to decode. What it refers to must exist until it has ended.
struct BatchRow {
  std::span<const int> prompt;  ///< at least one token (check_prompt())
  std::int64_t max_new_tokens = 100;
  SamplingOptions sampling;
  std::span<const int> stop_ids;
  RandomStream stream{0, "generate"};   ///< its draws, one a token if it samples
  std::optional<std::int64_t> chances;  ///< log-probabilities of its tokens, and of this many likeliest ones
  bool prompt_chances = false;          ///< those of prompt[1], prompt[2], … as well
  /// The three are called by prefill() and decode(). An exception passes through them; the batch is then of no use.
  std::function<void(std::vector<TokenChances>)> prompt_read;  ///< before the first token; only with prompt_chances
  std::function<bool(const ChosenToken&)> token;               ///< as soon as it is chosen. False ends the row
  std::function<void(bool stopped)> ended;                     ///< last; stopped: by a stop token. It may add no row
};

struct RunningBatchOptions {
  std::int64_t batch = 32;       ///< rows decoded at a time
  std::int64_t cache_bytes = 0;  ///< as GenerationOptions
  std::int64_t capacity = 0;     ///< tokens of the longest row that will come; 0: unknown, the cache adapts
};

/// Checks what the model can take. @param doing  of the error: "cannot answer prompt 3"
/// @throws Error (bad input) for a prompt that is empty, exceeds the model's positions, or has an id outside the
///         vocabulary
void check_prompt(const CausalLM& model, std::span<const int> prompt, const std::string& doing);

/// Bytes of the keys and values of one token, at least 1.
std::int64_t cache_bytes_of_token(const CausalLM& model);

/// The bytes of a cache where the options name none: 1 GiB, on a GPU half of its free memory.
std::int64_t default_cache_bytes(const CausalLM& model);

/// How many new tokens a row can have: at most the model's positions after the prompt.
std::int64_t new_tokens_within(const CausalLM& model, std::size_t prompt, std::int64_t wanted);

/// All calls belong to one thread, under c10::InferenceMode. A row's greedy tokens depend on the other rows only
/// through float rounding, its draws not at all.
class RunningBatch {
 public:
  /// @param model  must outlive this; its weights may change while there are no rows
  RunningBatch(const CausalLM& model, const RunningBatchOptions& options);
  ~RunningBatch();
  RunningBatch(const RunningBatch&) = delete;

  /// Takes a row if there is room: fewer than `batch` rows, and a cache that holds it beside the others. A row that
  /// finds no other always has room.
  /// @return whether it was taken
  bool add(const BatchRow& row);
  /// Rows that have not ended.
  std::size_t rows() const;

  /// Reads the prompts of rows that were added, one pack of bounded size, and chooses their first tokens.
  /// @return false: there were none
  bool prefill();
  /// One token for each row that was read.
  void decode();

 private:
  struct Row;
  bool make_room(std::int64_t tokens);
  std::int64_t cached_tokens();  // that the cache's bytes can hold, of all rows
  bool take(Row& row, std::int64_t token, const TokenChances* chances);
  void choose(const at::Tensor& logits, std::vector<Row>& rows, std::size_t first, bool cached);
  std::vector<std::int64_t> chosen(const at::Tensor& logits, std::span<Row> rows, bool cached);
  at::Tensor sampled(const at::Tensor& logits, std::span<Row> rows) const;
  static std::size_t shared_beginning(std::span<const Row> rows);
  void report_prompts(const at::Tensor& hidden, std::span<const Row> rows);
  void decode_whole_rows();
  at::Tensor logits(const at::Tensor& hidden) const;
  bool on_cpu() const { return model_.device().is_cpu(); }

  const CausalLM& model_;
  RunningBatchOptions options_;
  std::unique_ptr<KeyValueCache> cache_;
  std::int64_t capacity_ = 0;
  std::vector<Row> entering_;  // added, not yet read
  std::vector<Row> rows_;      // in the order of the cache's rows
  std::vector<Row> whole_;     // computed again for each token: a cache would hold keys of another row length
  at::Tensor next_;            // the rows' next tokens on a GPU; undefined after rows came or went
};

}  // namespace lethe
