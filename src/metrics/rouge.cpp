#include "metrics/rouge.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "metrics/porter.h"

namespace lethe {
namespace {

/// Words as numbers, so that they compare in one step.
class Vocabulary {
 public:
  explicit Vocabulary(bool stem) : stem_(stem) {}

  std::vector<int> words(std::string_view text) {
    constexpr std::size_t kMost = 20'000;
    std::vector<int> words;
    std::string word;
    const auto flush = [&] {
      if (word.empty()) return;
      if (words.size() < kMost) words.push_back(id(word));
      word.clear();
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
      char c = text[at];
      // The two characters beyond ASCII with a lower case in ASCII: the Kelvin sign, and the capital I with a dot.
      if (text.substr(at, 3) == "\u212A") {
        c = 'k';
        at += 2;
      } else if (text.substr(at, 2) == "\u0130") {
        c = 'i';
      } else if (c >= 'A' && c <= 'Z') {
        c = static_cast<char>(c - 'A' + 'a');
      }
      if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
        word += c;
      } else {
        flush();
      }
    }
    flush();
    return words;
  }

  std::vector<std::vector<int>> lines(std::string_view text) {
    std::vector<std::vector<int>> lines;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines.push_back(words(text.substr(at, end - at)));
      at = end + 1;
    }
    return lines;
  }

 private:
  int id(const std::string& word) {
    const std::string key = stem_ && word.size() > 3 ? porter_stem(word) : word;
    return ids_.emplace(key, static_cast<int>(ids_.size())).first->second;
  }
  bool stem_;
  std::unordered_map<std::string, int> ids_;
};

RougeScore score(std::size_t common, std::size_t response, std::size_t reference) {
  const double precision = static_cast<double>(common) / static_cast<double>(std::max<std::size_t>(response, 1));
  const double recall = static_cast<double>(common) / static_cast<double>(std::max<std::size_t>(reference, 1));
  return {precision, recall, common == 0 ? 0 : 2 * precision * recall / (precision + recall)};
}

std::map<std::vector<int>, std::size_t> grams(const std::vector<int>& words, std::size_t n) {
  std::map<std::vector<int>, std::size_t> counts;
  for (std::size_t i = 0; i + n <= words.size(); ++i)
    ++counts[{words.begin() + static_cast<std::ptrdiff_t>(i), words.begin() + static_cast<std::ptrdiff_t>(i + n)}];
  return counts;
}

RougeScore rouge_n(const std::vector<int>& response, const std::vector<int>& reference, std::size_t n) {
  const auto theirs = grams(reference, n);
  std::size_t common = 0;
  for (const auto& [gram, count] : grams(response, n)) {
    if (const auto found = theirs.find(gram); found != theirs.end()) common += std::min(count, found->second);
  }
  const auto total = [&](const std::vector<int>& words) { return words.size() + 1 > n ? words.size() + 1 - n : 0; };
  return score(common, total(response), total(reference));
}

std::size_t longest_common_subsequence(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<std::size_t> row(b.size() + 1, 0);
  for (const int word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(row[j], row[j - 1]);
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// Marks the reference line's words in its longest common subsequence with the response line. Of several, it finds
/// rouge-score's: going from the end, it drops the reference's word if it can.
void mark_common(const std::vector<int>& reference, const std::vector<int>& response, std::vector<bool>& marked) {
  const std::size_t columns = response.size() + 1;
  std::vector<std::uint16_t> table((reference.size() + 1) * columns, 0);
  for (std::size_t i = 1; i <= reference.size(); ++i) {
    for (std::size_t j = 1; j <= response.size(); ++j) {
      table[i * columns + j] = reference[i - 1] == response[j - 1]
                                   ? static_cast<std::uint16_t>(table[(i - 1) * columns + j - 1] + 1)
                                   : std::max(table[(i - 1) * columns + j], table[i * columns + j - 1]);
    }
  }
  for (std::size_t i = reference.size(), j = response.size(); i > 0 && j > 0;) {
    if (reference[i - 1] == response[j - 1]) {
      marked[i - 1] = true;
      --i;
      --j;
    } else if (table[i * columns + j - 1] > table[(i - 1) * columns + j]) {
      --j;
    } else {
      --i;
    }
  }
}

RougeScore rouge_lsum(std::vector<std::vector<int>> response, std::vector<std::vector<int>> reference) {
  // The table has an entry per pair of words, so lines are cut earlier than texts.
  constexpr std::size_t kLongestLine = 4'000;
  std::unordered_map<int, std::size_t> in_response, in_reference;
  std::size_t response_words = 0, reference_words = 0;
  const auto count = [&](std::vector<std::vector<int>>& lines, std::unordered_map<int, std::size_t>& counts,
                         std::size_t& total) {
    for (std::vector<int>& line : lines) {
      if (line.size() > kLongestLine) line.resize(kLongestLine);
      for (const int word : line) ++counts[word];
      total += line.size();
    }
  };
  count(response, in_response, response_words);
  count(reference, in_reference, reference_words);
  std::size_t hits = 0;
  for (const std::vector<int>& line : reference) {
    std::vector<bool> marked(line.size(), false);
    for (const std::vector<int>& other : response) mark_common(line, other, marked);
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (!marked[i] || in_response[line[i]] == 0 || in_reference[line[i]] == 0) continue;
      ++hits;  // a word counts no more often than both texts have it
      --in_response[line[i]];
      --in_reference[line[i]];
    }
  }
  return score(hits, response_words, reference_words);
}

}  // namespace

Rouge rouge(std::string_view response, std::string_view reference, const RougeOptions& options) {
  Vocabulary vocabulary(options.stem);
  const std::vector<int> a = vocabulary.words(response), b = vocabulary.words(reference);
  return {rouge_n(a, b, 1), rouge_n(a, b, 2), score(longest_common_subsequence(a, b), a.size(), b.size()),
          rouge_lsum(vocabulary.lines(response), vocabulary.lines(reference))};
}

Rouge rouge(std::string_view response, std::span<const std::string> references, const RougeOptions& options) {
  Rouge best;
  bool first = true;
  for (const std::string& reference : references) {
    const Rouge found = rouge(response, std::string_view(reference), options);
    for (const auto kind : {&Rouge::rouge1, &Rouge::rouge2, &Rouge::rouge_l, &Rouge::rouge_lsum}) {
      if (first || (found.*kind).f1 > (best.*kind).f1) best.*kind = found.*kind;
    }
    first = false;
  }
  return best;
}

}  // namespace lethe
