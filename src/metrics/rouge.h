// ROUGE-L: how much of a reference answer's wording a response follows.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lethe {

/// F1 of the longest common subsequence of words, lower-cased runs of [a-z0-9], without stemming (Lin 2004, as the
/// rouge-score package computes it). In [0, 1]; 0 where either text has no such word. Texts are cut at 2,000 words.
double rouge_l(std::string_view response, std::string_view reference);

/// The best over several references; 0 for none.
double rouge_l(std::string_view response, std::span<const std::string> references);

}  // namespace lethe
