// ROUGE: how much of a reference's wording a response repeats.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lethe {

struct RougeScore {
  double precision = 0, recall = 0, f1 = 0;  ///< 0 … 1
};

/// ROUGE-1 and ROUGE-2 (words and word pairs in common, each as often as both have it), ROUGE-L (longest common
/// subsequence of words) and ROUGE-Lsum (the same line by line, each line of the reference against all of the
/// response).
struct Rouge {
  RougeScore rouge1, rouge2, rouge_l, rouge_lsum;
};

struct RougeOptions {
  bool stem = true;  ///< words of more than three characters are stemmed (porter.h)
};

/// Equals the rouge-score package (Lin 2004): words are lower-cased runs of [a-z0-9]. All 0 where either text has no
/// such word. Texts are cut at 20,000 words, so that no text takes minutes.
Rouge rouge(std::string_view response, std::string_view reference, const RougeOptions& options = {});

/// Of several references, for each kind the one with the best F1 (the first of equals); all 0 for none.
Rouge rouge(std::string_view response, std::span<const std::string> references, const RougeOptions& options = {});

}  // namespace lethe
