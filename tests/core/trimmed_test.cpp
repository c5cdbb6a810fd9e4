// White space at the ends of texts, and characters of UTF-8.
#include "core/trimmed.h"

#include <gtest/gtest.h>

#include "core/count_characters.h"

namespace lethe {
namespace {

TEST(Trimmed, LosesTheGivenCharactersAtBothEndsOnly) {
  EXPECT_EQ(trimmed(" \t\r\n\f\va b\n c \v"), "a b\n c");
  EXPECT_EQ(trimmed("*a*b*", "*"), "a*b");
  for (const char* blank : {"", " ", "\n\t \r"}) EXPECT_EQ(trimmed(blank), "");
}

TEST(CountCharacters, CountsCodePointsNotBytes) {
  EXPECT_EQ(count_characters(""), 0U);
  EXPECT_EQ(count_characters("aé漢🙂"), 4U);
}

}  // namespace
}  // namespace lethe
