#include "core/join.h"

#include <gtest/gtest.h>

#include <array>
#include <ranges>
#include <set>
#include <string>
#include <vector>

namespace lethe {
namespace {

TEST(Join, PutsTheSeparatorBetweenTheParts) {
  EXPECT_EQ(join(std::vector<std::string>{}, ", "), "");
  EXPECT_EQ(join(std::vector<std::string>{"a"}, ", "), "a");
  EXPECT_EQ(join(std::vector<std::string>{"", "a", ""}, ", "), ", a, ");
}

TEST(Join, TakesWhateverHoldsTexts) {
  EXPECT_EQ(join(std::array{"a", "b"}, " "), "a b");
  EXPECT_EQ(join(std::set<std::string>{"b", "a"}, "; "), "a; b");
  const std::vector<int> numbers{1, 2, 3};
  const auto texts = numbers | std::views::transform([](int number) { return std::to_string(number); });
  EXPECT_EQ(join(texts, ", "), "1, 2, 3");
}

}  // namespace
}  // namespace lethe
