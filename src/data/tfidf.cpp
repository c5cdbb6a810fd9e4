#include "data/tfidf.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "data/words.h"

namespace lethe {
namespace {

std::map<std::string, double> term_counts(std::string_view text, const TfidfOptions& options) {
  const auto words = words_of(normal_form(text), options.shortest_word);
  std::map<std::string, double> counts;
  for (std::size_t i = 0; i < words.size(); ++i) {
    counts[words[i]] += 1;
    if (options.pairs && i > 0) counts[words[i - 1] + " " + words[i]] += 1;
  }
  return counts;
}

double frequency(double count, const TfidfOptions& options) {
  return options.logarithmic ? 1 + std::log(count) : count;
}

bool is_pair(std::string_view term) {
  return term.find(' ') != std::string_view::npos;
}

// @param norm  squared weight of what has no place in the vector
void normalise(SparseVector& vector, double norm) {
  for (const auto& [place, weight] : vector) norm += weight * weight;
  if (norm == 0) return;
  for (auto& [place, weight] : vector) weight /= std::sqrt(norm);
}

}  // namespace

Tfidf::Tfidf(std::span<const std::string_view> texts, const TfidfOptions& options, std::vector<SparseVector>* vectors)
    : options_(options) {
  struct Found {
    std::size_t number = 0, texts = 0;
  };
  std::unordered_map<std::string, Found> found;
  std::vector<SparseVector> counts;  // by the terms' numbers
  for (const std::string_view text : texts) {
    SparseVector row;
    for (const auto& [term, count] : term_counts(text, options)) {
      Found& one = found.try_emplace(term, Found{found.size()}).first->second;
      ++one.texts;
      row.emplace_back(one.number, count);
    }
    if (vectors != nullptr) counts.push_back(std::move(row));
  }
  std::vector<std::pair<std::string, Found>> frequent;
  for (const auto& [term, one] : found) {
    if (one.texts >= options.fewest_texts) frequent.emplace_back(term, one);
  }
  std::sort(frequent.begin(), frequent.end(), [](const auto& a, const auto& b) {
    return a.second.texts != b.second.texts ? a.second.texts > b.second.texts : a.first < b.first;
  });
  if (frequent.size() > options.most_terms) frequent.resize(options.most_terms);
  std::vector<Term> kept(found.size(), {frequent.size(), 0});  // by number; dropped terms have the place after the last
  std::vector<bool> pairs(found.size());
  for (const auto& [term, one] : found) pairs[one.number] = is_pair(term);
  for (const auto& [term, one] : frequent) {
    const double idf = std::log((1.0 + static_cast<double>(texts.size())) / (1.0 + static_cast<double>(one.texts))) + 1;
    const Term next{terms_.size(), idf};
    kept[one.number] = next;
    terms_.emplace(term, next);
    highest_idf_ = std::max(highest_idf_, idf);
  }
  if (vectors == nullptr) return;
  vectors->clear();
  for (const SparseVector& row : counts) {
    SparseVector vector;
    double unknown = 0;
    for (const auto& [number, count] : row) {
      const Term& term = kept[number];
      if (term.place < frequent.size()) {
        vector.emplace_back(term.place, frequency(count, options) * term.idf);
      } else if (!pairs[number]) {
        unknown += unknown_weight(frequency(count, options));
      }
    }
    normalise(vector, unknown);
    vectors->push_back(std::move(vector));
  }
}

Tfidf::Tfidf(const std::vector<std::pair<std::string, double>>& terms, const TfidfOptions& options)
    : options_(options) {
  for (const auto& [term, idf] : terms) {
    terms_.try_emplace(term, Term{terms_.size(), idf});
    highest_idf_ = std::max(highest_idf_, idf);
  }
}

double Tfidf::unknown_weight(double frequency) const {
  const double weight = options_.unknown_words ? frequency * highest_idf_ : 0;
  return weight * weight;
}

SparseVector Tfidf::vector(std::string_view text) const {
  SparseVector vector;
  double unknown = 0;
  for (const auto& [term, count] : term_counts(text, options_)) {
    if (const auto known = terms_.find(term); known != terms_.end()) {
      vector.emplace_back(known->second.place, frequency(count, options_) * known->second.idf);
    } else if (!is_pair(term)) {
      unknown += unknown_weight(frequency(count, options_));
    }
  }
  normalise(vector, unknown);
  return vector;
}

}  // namespace lethe
