// Oniguruma's dialect. Expected values come from Split pre-tokenizers of the `tokenizers` library.
#include "core/regex.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace lethe {
namespace {

std::vector<std::string> found_by(const char* pattern, const std::string& text) {
  std::vector<ByteRange> ranges;
  Regex(pattern).find_all(text, ranges);
  std::vector<std::string> found;
  for (const auto& [begin, end] : ranges) found.push_back(text.substr(begin, end - begin));
  return found;
}
using Found = std::vector<std::string>;

TEST(Regex, UnderstandsOnigurumasDialect) {
  EXPECT_EQ(found_by(R"(\h+)", "xyz abc12"), Found({"abc12"}));
  EXPECT_EQ(found_by("^a", "a\na\n"), Found({"a", "a"}));
  EXPECT_EQ(found_by("(?m).+", "a\nb"), Found({"a\nb"}));
  EXPECT_EQ(found_by("a{,2}b", "aaab"), Found({"aab"}));
  EXPECT_EQ(found_by("[a-z&&[^b]]+", "abcab"), Found({"a", "ca"}));
  EXPECT_EQ(found_by("[a[bc]]+", "xabcx"), Found({"abc"}));
  EXPECT_EQ(found_by("[^a[bc]]+", "xabcx"), Found({"x", "x"}));
  EXPECT_EQ(found_by(R"(\u0041)", "A"), Found({"A"}));
  EXPECT_EQ(found_by("[[:punct:]]", "a+←,"), Found({"+", "←", ","}));
  EXPECT_EQ(found_by(R"([^\S\n]+)", " \n\t"), Found({" ", "\t"}));
}

TEST(Regex, WordsHoldMarks) {
  EXPECT_EQ(found_by(R"(\w+)", "e\u0301te नमस्ते a_1½-"), Found({"e\u0301te", "नमस्ते", "a_1½"}));
  EXPECT_EQ(found_by(R"([^\w\s])", "1½-"), Found({"½", "-"}));  // in a class ½ is none
  EXPECT_EQ(found_by(R"(\bte)", "te e\u0301te"), Found({"te"}));
}

TEST(Regex, EmptyMatchesAreFoundOnceAndNotRightAfterAnother) {
  std::vector<ByteRange> ranges;
  Regex("x*").find_all("axxb", ranges);
  EXPECT_EQ(ranges, (std::vector<ByteRange>{{0, 0}, {1, 3}, {4, 4}}));
  Regex("(?=[A-Z])").find_all("aBC", ranges);
  EXPECT_EQ(ranges, (std::vector<ByteRange>{{1, 1}, {2, 2}}));
}

TEST(Regex, ALongTextIsSearchedLikeAShortOne) {
  std::string text(200'000, 'a');
  for (std::size_t at = 999; at < text.size(); at += 1000) text[at] = 'b';
  EXPECT_EQ(found_by("ab", text).size(), 200U);
  EXPECT_EQ(found_by("(?<=ab)a", text).size(), 199U);
}

TEST(Regex, ABlowUpIsAnErrorAndNoHang) {
  std::vector<ByteRange> ranges;
  EXPECT_THROW(Regex("(a+)+$").find_all(std::string(40, 'a') + "b", ranges), Error);
  EXPECT_THROW(Regex(R"(\s+x)").find_all(std::string(1'000'000, ' '), ranges, -10), Error);  // no time is left
}

TEST(Regex, RefusesWhatItCannotSay) {
  for (const char* wrong : {"(", "[a", "a(?i)b", "\\", "[[:alpha:]", R"(\p{Nonsense})"})
    EXPECT_THROW(Regex{wrong}, Error) << wrong;
}

}  // namespace
}  // namespace lethe
