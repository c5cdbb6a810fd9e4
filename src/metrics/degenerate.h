// Detects broken output: empty, repeating, or gibberish. A broken model must not pass for a safe one, and a model that
// answers in a style of its own must not pass for a broken one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/enum_words.h"

namespace lethe {

enum class Degeneracy : std::uint8_t { none, empty, repeating, gibberish };

template <>
struct EnumWords<Degeneracy> {
  static constexpr std::pair<std::string_view, Degeneracy> all[] = {{"none", Degeneracy::none},
                                                                    {"empty", Degeneracy::empty},
                                                                    {"repeating", Degeneracy::repeating},
                                                                    {"gibberish", Degeneracy::gibberish}};
};

/// Compares answers with general English (metrics/english.h) and with the data's own answers. Only what neither of them
/// explains is gibberish: a fluent sentence that no data row contains is not broken.
class DegenerateDetector {
 public:
  /// @param texts  real answers of the expected kind (references). Their words are known words. Where they are not
  ///               English (more than 5% of them look broken by it), English decides nothing.
  explicit DegenerateDetector(std::span<const std::string> texts);

  /// empty: no letter or digit, or articles alone ("The.").
  /// repeating: characters, words or phrases in a loop (metrics/repetition.h).
  /// gibberish: scripts mixed within words; 25 letters and more without a space between words; three words or more that
  /// are spelled as no English word is, and that the data does not have; eight words or more in an order that neither
  /// English nor the data has.
  Degeneracy check(std::string_view text) const;

  /// Whether words and their order are checked: the references are English, or there are none.
  bool knows_language() const { return knows_spelling_ && knows_order_; }
  /// What is not found, in a sentence for the user; empty where words and their order are checked.
  std::string blind_spot() const;

 private:
  bool misspells(std::string_view text) const;
  bool has_no_order(std::string_view text) const;

  /// Interpolated word-pair model of the data: λ·P(w | before) + (1 − λ)·P(w). All unknown words count as one.
  struct Order {
    std::unordered_map<std::string, std::uint32_t> words;
    std::unordered_map<std::string, std::uint32_t> pairs;  // "before after"
    std::uint64_t total = 0;
    void add(const std::vector<std::string>& text);
    /// Mean over words of log P(w | before) − log P(w), nats: how much word order explains beyond word choice.
    double gain(const std::vector<std::string>& text) const;
  };
  void learn_order(const std::vector<std::vector<std::string>>& texts);

  Order order_;
  std::unordered_set<std::string> own_words_;  ///< of the data
  double threshold_ = 0;                       ///< 98% of the data's texts gain more than this (cross-validated)
  bool has_own_order_ = false;                 ///< the data holds 50 texts or more of six words or more
  bool knows_spelling_ = true, knows_order_ = true;
};

}  // namespace lethe
