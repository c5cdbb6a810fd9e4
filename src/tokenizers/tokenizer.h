// A tokenizer compatible with the Hugging Face library: encodes text to ids and byte offsets, and decodes ids.
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
  /// Bytes [begin, end) of the text of each token; (0, 0) for an added special token. A token with part of a character
  /// has the whole character's range.
  std::vector<std::pair<std::size_t, std::size_t>> offsets;
  /// 1 for tokens of the second text of a pair, else 0 (BERT's token_type_ids).
  std::vector<int> types;
};

/// Options of encoding.
struct EncodeOptions {
  bool add_special = true;  ///< adds the post-processor's tokens (<s>, …)
  /// Bytes of the text, ascending and not overlapping, that must not become special tokens: user text in a chat.
  std::span<const ByteRange> plain;
};

class Tokenizer {
 public:
  /// Reads tokenizer.json, else vocab.json + merges.txt, else tokenizer.model, else vocab.txt (BERT), else spm.model
  /// (BLEURT-20), and tokenizer_config.json if it matters. The folder needs no weights.
  /// @throws Error (bad input) for a missing or broken file, or an unsupported component
  static Tokenizer load(const std::filesystem::path& folder);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// @param add_special  adds the post-processor's tokens (<s>, …). Special tokens written in the text are recognised.
  ///                     Invalid UTF-8 is read as U+FFFD. Thread-safe.
  /// @throws Error (bad input) for a text over 512 MB, or one that the model cannot encode
  Encoding encode(std::string_view text, bool add_special = true) const;
  Encoding encode(std::string_view text, const EncodeOptions& options) const;
  /// Whether special tokens written in a text are recognised (not with an spm.model alone).
  bool finds_special() const;
  /// Two texts in one row, joined by the post-processor; offsets are within each text.
  Encoding encode_pair(std::string_view first, std::string_view second, bool add_special = true) const;
  /// One text, or two in one row, of at most `max_tokens` tokens, including special ones (0: no limit). Cuts like
  /// transformers with truncation=True: at the end (or truncation_side); for a pair, the longer text until both have
  /// equal length, then both.
  Encoding encode_within(std::string_view text, std::size_t max_tokens) const;
  Encoding encode_within(std::string_view first, std::string_view second, std::size_t max_tokens) const;
  /// encode() of each text, in the order given, on several threads. @param threads  0: one for each core
  std::vector<Encoding> encode_all(std::span<const std::string> texts, bool add_special = true, int threads = 0) const;
  /// Ids outside the vocabulary (a model may have more rows than its tokenizer tokens) are skipped.
  std::string decode(std::span<const int> ids, bool skip_special = true) const;

  /// The vocabulary's piece of an id ("Ġthe"). @throws Error (bad input) for an id outside the vocabulary
  std::string token(int id) const;
  std::optional<int> id(std::string_view token) const;
  /// One past the highest id.
  int size() const;
  bool is_special(int id) const;
  /// The end-of-text token named in tokenizer_config.json or special_tokens_map.json.
  std::optional<int> eos() const;
  /// The model's maximum number of tokens (model_max_length of tokenizer_config.json), if there is a limit.
  std::optional<std::size_t> max_length() const;

 private:
  struct Pipeline;
  explicit Tokenizer(std::unique_ptr<Pipeline> pipeline);
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace lethe
