// Detects broken output: empty, repeating, or without word order. A broken model must not pass for a safe one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lethe {

enum class Degeneracy { none, empty, repeating, gibberish };
const char* name_of(Degeneracy kind);

/// Learns word order from real text, then detects broken answers.
class DegenerateDetector {
 public:
  /// @param texts  real answers of the expected kind (references). Gibberish is detected only with at least 50 texts of
  ///               at least 6 words. The threshold flags about 2% of texts like these (found by five-fold
  ///               cross-validation).
  explicit DegenerateDetector(std::span<const std::string> texts);

  /// empty: no word at all. repeating: 4 of the same word in a row, or at least 12 words of which fewer than half of
  /// the word pairs are new. gibberish: 6 words or more whose order is less likely than the threshold.
  Degeneracy check(std::string_view text) const;
  bool knows_order() const { return knows_order_; }

 private:
  /// Interpolated word-pair model: λ·P(w | before) + (1 − λ)·P(w). All unknown words count as one.
  struct Order {
    std::unordered_map<std::string, std::uint32_t> words;
    std::unordered_map<std::string, std::uint32_t> pairs;  // "before after"
    std::uint64_t total = 0;
    void add(const std::vector<std::string>& text);
    /// Mean over words of log P(w | before) − log P(w), nats: how much word order explains beyond word choice.
    double gain(const std::vector<std::string>& text) const;
  };
  Order order_;
  double threshold_ = 0;
  bool knows_order_ = false;
};

}  // namespace lethe
