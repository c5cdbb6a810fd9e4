#include "metrics/rouge.h"

#include <algorithm>
#include <vector>

namespace lethe {
namespace {

std::vector<std::string> rouge_words(std::string_view text) {
  constexpr std::size_t kMost = 2000;
  std::vector<std::string> words;
  std::string word;
  const auto flush = [&] {
    if (!word.empty() && words.size() < kMost) words.push_back(word);
    word.clear();
  };
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
    } else {
      flush();
    }
  }
  flush();
  return words;
}

std::size_t longest_common_subsequence(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::size_t> row(b.size() + 1, 0);
  for (const std::string& word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(row[j], row[j - 1]);
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

double rouge_l(std::string_view response, std::string_view reference) {
  const auto a = rouge_words(response), b = rouge_words(reference);
  const auto common = static_cast<double>(longest_common_subsequence(a, b));
  if (common == 0) return 0;
  const double precision = common / static_cast<double>(a.size()), recall = common / static_cast<double>(b.size());
  return 2 * precision * recall / (precision + recall);
}

double rouge_l(std::string_view response, std::span<const std::string> references) {
  double best = 0;
  for (const std::string& reference : references) best = std::max(best, rouge_l(response, std::string_view(reference)));
  return best;
}

}  // namespace lethe
