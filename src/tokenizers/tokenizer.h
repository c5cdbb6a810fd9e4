// A tokenizer as the Hugging Face library applies it: text in, ids and byte offsets out, and back.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/utf8.h"

namespace lethe {

/// Tokens of one text.
struct Encoding {
  std::vector<int> ids;
  /// Bytes [begin, end) of the text that each token stands for; (0, 0) for a special token that was added. A token
  /// that holds part of a character has the whole character's range.
  std::vector<std::pair<std::size_t, std::size_t>> offsets;
  /// 0, or 1 for what the post-processor counts to the second text of a pair (BERT's token_type_ids).
  std::vector<int> types;
};

/// How a text is taken.
struct EncodeOptions {
  bool add_special = true;  ///< adds what the post-processor adds (<s>, …)
  /// Bytes of the text, ascending and apart, of which no special token may be made: what users wrote into a chat.
  std::span<const ByteRange> plain;
};

class Tokenizer {
 public:
  /// Reads tokenizer.json, else vocab.json + merges.txt, else tokenizer.model, else vocab.txt (BERT), else
  /// spm.model (BLEURT-20), and tokenizer_config.json where it has a say. A folder without weights will do.
  /// @throws Error (bad input) for a file that is missing or broken, or a component that is not understood
  static Tokenizer load(const std::filesystem::path& folder);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// @param add_special  adds what the post-processor adds (<s>, …). Special tokens written in the text itself count
  ///                     as such. Bytes that are no UTF-8 are taken as U+FFFD. Safe to call from several threads.
  /// @throws Error (bad input) for a text beyond 512 MB, or one that the model has no tokens for
  Encoding encode(std::string_view text, bool add_special = true) const;
  Encoding encode(std::string_view text, const EncodeOptions& options) const;
  /// Whether special tokens written in a text are taken as such (of an spm.model alone they are not).
  bool finds_special() const;
  /// Two texts in one row, as the post-processor joins them; offsets are those within each text.
  Encoding encode_pair(std::string_view first, std::string_view second, bool add_special = true) const;
  /// One text, or two in one row, of at most `max_tokens` tokens, special ones included (0: no bound). Cut as
  /// transformers does with truncation=True: at the end (or where truncation_side says), of a pair from the longer text
  /// until both are as long, then from both.
  Encoding encode_within(std::string_view text, std::size_t max_tokens) const;
  Encoding encode_within(std::string_view first, std::string_view second, std::size_t max_tokens) const;
  /// encode() of each text, in the order given, on several threads. @param threads  0: one for each core
  std::vector<Encoding> encode_all(std::span<const std::string> texts, bool add_special = true, int threads = 0) const;
  /// Ids outside the vocabulary (a model may have more rows than its tokenizer tokens) are passed over.
  std::string decode(std::span<const int> ids, bool skip_special = true) const;

  /// The vocabulary's piece of an id ("Ġthe"). @throws Error (bad input) for an id outside
  std::string token(int id) const;
  std::optional<int> id(std::string_view token) const;
  /// One past the highest id.
  int size() const;
  bool is_special(int id) const;
  /// What tokenizer_config.json (or special_tokens_map.json) names as the end of a text.
  std::optional<int> eos() const;
  /// Tokens that the model was made for (model_max_length of tokenizer_config.json), where that is a bound.
  std::optional<std::size_t> max_length() const;

 private:
  struct Pipeline;
  explicit Tokenizer(std::unique_ptr<Pipeline> pipeline);
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace lethe
