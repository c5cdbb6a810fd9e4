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

namespace lethe {

/// Tokens of one text.
struct Encoding {
  std::vector<int> ids;
  /// Bytes [begin, end) of the text that each token stands for; (0, 0) for a special token that was added. A token
  /// that holds part of a character has the whole character's range.
  std::vector<std::pair<std::size_t, std::size_t>> offsets;
};

class Tokenizer {
 public:
  /// Reads tokenizer.json, else vocab.json + merges.txt, else tokenizer.model, and tokenizer_config.json where it has a
  /// say. A folder without weights will do.
  /// @throws Error (bad input) for a file that is missing or broken, or a component that is not understood
  static Tokenizer load(const std::filesystem::path& folder);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// @param add_special  adds what the post-processor adds (<s>, …). Special tokens written in the text itself count
  ///                     as such. Bytes that are no UTF-8 are taken as U+FFFD. Safe to call from several threads.
  Encoding encode(std::string_view text, bool add_special = true) const;
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

 private:
  struct Pipeline;
  explicit Tokenizer(std::unique_ptr<Pipeline> pipeline);
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace lethe
