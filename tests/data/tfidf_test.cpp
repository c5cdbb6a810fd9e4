// TF-IDF against values computed by hand, and after a round trip through a file.
#include "data/tfidf.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lethe {
namespace {

using Texts = std::vector<std::string_view>;

double weight(const Tfidf& model, const SparseVector& vector, const std::string& term) {
  for (const auto& [place, value] : vector) {
    if (place == model.terms().at(term).place) return value;
  }
  return 0;
}

TEST(TfIdf, RareWordsCountMore) {
  std::vector<SparseVector> vectors;
  const Tfidf model(Texts{"The cat sat", "the DOG sat sat"}, {}, &vectors);
  ASSERT_EQ(model.size(), 4U);
  const double rare = std::log(3.0 / 2.0) + 1, norm = std::sqrt(rare * rare + 1 + 4);
  EXPECT_DOUBLE_EQ(model.terms().at("the").idf, 1);
  EXPECT_DOUBLE_EQ(model.terms().at("dog").idf, rare);
  EXPECT_DOUBLE_EQ(weight(model, vectors[1], "dog"), rare / norm);
  EXPECT_DOUBLE_EQ(weight(model, vectors[1], "sat"), 2 / norm);
  EXPECT_EQ(model.vector("the DOG sat sat"), vectors[1]);
  EXPECT_TRUE(model.vector("nothing known").empty());
}

TEST(TfIdf, PairsOfWordsAndTheLogarithmOfCountsAreOptions) {
  const Tfidf model(Texts{"a b a b"}, {.pairs = true, .logarithmic = true});
  ASSERT_EQ(model.size(), 4U);
  const double norm = std::sqrt(3 * std::pow(1 + std::log(2.0), 2) + 1);
  EXPECT_DOUBLE_EQ(weight(model, model.vector("a b a b"), "a b"), (1 + std::log(2.0)) / norm);
  EXPECT_DOUBLE_EQ(weight(model, model.vector("a b a b"), "b a"), 1 / norm);
}

TEST(TfIdf, RareAndShortTermsCanBeLeftOut) {
  const Texts texts = {"one two a", "one two", "one three"};
  const Tfidf common(texts, {.shortest_word = 2, .fewest_texts = 2});
  EXPECT_EQ(common.size(), 2U);
  const Tfidf one(texts, {.most_terms = 1});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one.terms().at("one").place, 0U);
}

TEST(TfIdf, TermsThatWereFoundBeforeGiveTheSameVectors) {
  const TfidfOptions options{.pairs = true, .logarithmic = true};
  const Tfidf found(Texts{"red fish blue fish", "one fish"}, options);
  std::vector<std::pair<std::string, double>> terms;
  for (const auto& [term, known] : found.terms()) terms.emplace_back(term, known.idf);
  const Tfidf again(terms, options);
  const SparseVector first = found.vector("blue fish"), second = again.vector("blue fish");
  ASSERT_EQ(first.size(), second.size());
  for (const char* term : {"blue", "fish", "blue fish"})
    EXPECT_EQ(weight(found, first, term), weight(again, second, term)) << term;
}

}  // namespace
}  // namespace lethe
