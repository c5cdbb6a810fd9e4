// BLEU: the overlap of word sequences between responses and references.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// The counts of one response, or the sums over many.
struct BleuCounts {
  std::array<std::int64_t, 4> matched{}, total{};          ///< of 1- to 4-grams
  std::int64_t response_tokens = 0, reference_tokens = 0;  ///< of the reference nearest in length (the shorter of two)
  BleuCounts& operator+=(const BleuCounts& other);
};

/// @throws Error if there is no reference
BleuCounts bleu_counts(std::string_view response, std::span<const std::string> references);

/// 0 … 100, as sacrebleu computes it (Papineni et al. 2002; mteval's smoothing: each order without a match counts as
/// 1/2, 1/4 … of one). @param effective_order  only the orders the responses are long enough for: for single sentences
double bleu_of(const BleuCounts& counts, bool effective_order = false);

/// sacrebleu's corpus_bleu and sentence_bleu with their defaults.
double corpus_bleu(std::span<const std::string> responses, std::span<const std::vector<std::string>> references);
double sentence_bleu(std::string_view response, std::span<const std::string> references);

/// Tokens by sacrebleu's 13a (mteval-v13a): ASCII punctuation is split off, "." and "," except between digits.
std::vector<std::string> bleu_tokens(std::string_view text);

}  // namespace lethe
