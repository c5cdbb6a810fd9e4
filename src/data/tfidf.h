// TF-IDF: vectors of a text's words, in which rare words have more weight.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lethe {

/// (place of a term, its weight); places are unique.
using SparseVector = std::vector<std::pair<std::size_t, double>>;

struct TfidfOptions {
  int shortest_word = 1;         ///< characters; shorter words are left out
  bool pairs = false;            ///< two consecutive words are also a term
  bool logarithmic = false;      ///< a term that occurs n times in a text counts 1 + ln n, not n
  bool unknown_words = false;    ///< words without a place lengthen the vector before it is normalised, so that known
                                 ///< words have less weight in a text of unknown ones
  std::size_t fewest_texts = 1;  ///< a term counts if at least this many texts contain it
  std::size_t most_terms = std::numeric_limits<std::size_t>::max();  ///< the most frequent ones are kept
};

/// The terms of a set of texts. idf(t) = ln((1 + texts) / (1 + texts with t)) + 1; vectors have L2 norm 1, or 0 for a
/// text without known terms (less than 1 where unknown words count). Source: scikit-learn's TfidfVectorizer
/// (smooth_idf).
class Tfidf {
 public:
  struct Term {
    std::size_t place = 0;  ///< index of the term in vectors, 0 … size() - 1
    double idf = 0;
  };

  Tfidf() = default;
  /// Finds the terms of the normal forms of `texts`. The most frequent term has place 0.
  /// @param vectors  if given, becomes the texts' vectors
  Tfidf(std::span<const std::string_view> texts, const TfidfOptions& options,
        std::vector<SparseVector>* vectors = nullptr);
  /// Uses terms found earlier, each with its idf; their places are the list's indices.
  Tfidf(const std::vector<std::pair<std::string, double>>& terms, const TfidfOptions& options);

  SparseVector vector(std::string_view text) const;
  std::size_t size() const { return terms_.size(); }
  const std::unordered_map<std::string, Term>& terms() const { return terms_; }

 private:
  /// The squared weight of a text's unknown words; 0 where they do not count.
  double unknown_weight(double frequency) const;

  TfidfOptions options_;
  std::unordered_map<std::string, Term> terms_;
  double highest_idf_ = 0;  // what an unknown word would have at least
};

}  // namespace lethe
