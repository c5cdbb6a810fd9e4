// The longest of many patterns at each place of a text, compared with a search for each pattern.
#include "tokenizers/patterns.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace lethe {
namespace {

std::vector<Patterns::Match> one_by_one(const std::vector<std::string>& patterns, const std::string& text) {
  std::vector<Patterns::Match> matches;
  for (std::size_t at = 0; at < text.size(); ++at) {
    Patterns::Match best{at, 0, 0};
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const bool stands = !patterns[i].empty() && text.compare(at, patterns[i].size(), patterns[i]) == 0;
      if (stands && patterns[i].size() > best.length) best = {at, patterns[i].size(), i};
    }
    if (best.length > 0) matches.push_back(best);
  }
  return matches;
}

TEST(Patterns, FindTheLongestAtEachPlace) {
  std::mt19937 random(7);
  const auto word = [&](std::size_t most) {
    std::string text;
    for (std::size_t size = random() % (most + 1); text.size() < size;) text += static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> patterns;
    Patterns automaton;
    for (std::size_t i = 0; i < 1 + random() % 8; ++i) {
      patterns.push_back(word(6));
      automaton.add(patterns[i], i);
    }
    automaton.finish();
    const std::string text = word(60);
    const auto wanted = one_by_one(patterns, text), found = automaton.find_all(text);
    ASSERT_EQ(found.size(), wanted.size()) << text;
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].at, wanted[i].at);
      EXPECT_EQ(found[i].length, wanted[i].length);
      EXPECT_EQ(found[i].token, wanted[i].token);
    }
  }
}

TEST(Patterns, NoneFindNothing) {
  Patterns automaton;
  automaton.finish();
  EXPECT_TRUE(automaton.empty());
  EXPECT_TRUE(automaton.find_all("abc").empty());
}

}  // namespace
}  // namespace lethe
