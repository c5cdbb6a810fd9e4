// Planted duplicates are found, others are not, and the index finds what comparing all with all finds.
#include "data/overlap.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <set>

#include "core/random.h"
#include "data/words.h"

namespace lethe {
namespace {

using Texts = std::vector<std::string>;

TEST(Overlap, FindsExactAndNearDuplicatesAndLeavesOthers) {
  const Texts training = {"How do I get into a house that is locked when its owner is away for the week?",
                          "What is the best way to cook rice?", "Tell me a story", "你好，世界"};
  const Texts evaluated = {
      "  how do i get INTO a house that is locked when its owner is away for the week?",                 // case, blanks
      "How do I get into a house that is locked when its owner is away for the month?",                  // one word
      "Please, my friend: what is the best way to cook rice? Thank you very much, and good day to you",  // half new
      "the best way to cook rice",                                                                       // a part of it
      "How do I cook a house?",
      "Tell me a joke",
      "你好,世界",
      ""};
  const auto found = find_overlap(evaluated, training);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].evaluated, 0U);
  EXPECT_TRUE(found[0].exact);
  EXPECT_EQ(found[1].evaluated, 1U);
  EXPECT_FALSE(found[1].exact);
  EXPECT_NEAR(found[1].similarity, 15.0 / 17, 1e-12);
  EXPECT_EQ(found[2].evaluated, 3U);
  EXPECT_EQ(found[2].training, 1U);
  EXPECT_EQ(found[2].similarity, 1);
  EXPECT_EQ(found[3].evaluated, 6U);  // a full-width comma is a comma
  const auto exact_only = find_overlap(evaluated, training, {.jaccard = 2, .containment = 2});
  ASSERT_EQ(exact_only.size(), 2U);
}

// The definition, without an index.
double jaccard_of_all(const std::string& a, const std::string& b, double* containment) {
  const auto set_of = [](const std::string& text) {
    const auto words = words_of(normal_form(text));
    std::set<std::string> shingles;
    for (std::size_t i = 0; i + 3 <= words.size(); ++i)
      shingles.insert(words[i] + " " + words[i + 1] + " " + words[i + 2]);
    return shingles;
  };
  const auto first = set_of(a), second = set_of(b);
  double both = 0;
  for (const auto& shingle : first) both += second.contains(shingle);
  *containment = first.size() < 4 ? 0 : both / static_cast<double>(first.size());
  return both / (static_cast<double>(first.size() + second.size()) - both);
}

TEST(Overlap, MissesNothingThatComparingAllWithAllFinds) {
  RandomStream random(7, "overlap");
  const auto sentence = [&](std::size_t words, std::uint64_t vocabulary) {
    std::string text;
    for (std::size_t i = 0; i < words; ++i) text += "w" + std::to_string(random.below(vocabulary)) + " ";
    return text;
  };
  Texts training, evaluated;
  for (int i = 0; i < 300; ++i) training.push_back(sentence(3 + random.below(12), 6));
  for (int i = 0; i < 200; ++i) {
    std::string text = i % 2 == 0 ? sentence(3 + random.below(9), 6) : training[random.below(300)];
    if (i % 3 == 0) text += "w1 w2";
    evaluated.push_back(text);
  }
  std::set<std::size_t> found, wanted;
  for (const Overlap& overlap : find_overlap(evaluated, training)) found.insert(overlap.evaluated);
  for (std::size_t i = 0; i < evaluated.size(); ++i) {
    for (const std::string& other : training) {
      double containment = 0;
      const double jaccard = jaccard_of_all(evaluated[i], other, &containment);
      if (jaccard >= 0.7 - 1e-9 || containment >= 0.9 - 1e-9) wanted.insert(i);
    }
  }
  EXPECT_EQ(found, wanted);
  EXPECT_GT(wanted.size(), 50U);
  EXPECT_LT(wanted.size(), 200U);
}

// docs/reference/metrics.md: build/tests/lethe_test_data --gtest_filter=*MillionPromptsSlow
TEST(Overlap, OfAMillionPromptsSlow) {
  RandomStream random(8, "overlap speed");
  Texts training, evaluated;
  const auto sentence = [&] {
    std::string text = "how do i";  // common beginnings must not make it quadratic
    for (std::uint64_t i = 0, words = 6 + random.below(10); i < words; ++i)
      text += " w" + std::to_string(random.below(1 + random.below(20'000)));
    return text;
  };
  for (int i = 0; i < 1'000'000; ++i) training.push_back(sentence());
  for (int i = 0; i < 10'000; ++i) evaluated.push_back(i % 10 == 0 ? training[random.below(1'000'000)] : sentence());
  const auto start = std::chrono::steady_clock::now();
  const auto found = find_overlap(evaluated, training);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("1,000,000 training prompts against 10,000: %.1f s, %zu overlap\n", seconds, found.size());
  EXPECT_GE(found.size(), 1000U);
  EXPECT_LT(seconds, 120);
}

}  // namespace
}  // namespace lethe
