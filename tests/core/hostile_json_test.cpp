// JSON from strangers: nesting, numbers and bytes that no file needs; regular expressions that do not come to an end.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"
#include "core/regex.h"

namespace lethe {
namespace {

TEST(HostileJson, AMillionBracketsAreNoStackOverflow) {
  const std::string open(1'000'000, '['), close(1'000'000, ']');
  for (const std::string& text : {open, open + close}) EXPECT_THROW(parse_json(text, "x"), Error);
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  EXPECT_THROW(parse_json(objects, "x"), Error);
}

TEST(HostileJson, NumbersBeyondADoubleAreRefused) {
  EXPECT_THROW(parse_json("[1e999]", "x"), Error);
  EXPECT_THROW(parse_json("[-1e999]", "x"), Error);
  EXPECT_THROW(parse_json("[NaN]", "x"), Error);
  EXPECT_TRUE(parse_json("[123456789012345678901234567890]", "x")[0].is_number_float());
}

TEST(HostileJson, InvalidUtf8IsRefusedInTextsAndKeys) {
  for (const char* bytes : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_THROW(parse_json(std::string("[\"") + bytes + "\"]", "x"), Error);
    EXPECT_THROW(parse_json(std::string("{\"") + bytes + "\": 1}", "x"), Error);
  }
}

TEST(HostileRegex, AWholeMatchThatGivesUpIsAnErrorAndNotNo) {
  const Regex pattern("(?:a|a|a|a)*(?:a|a|a|a)*b|.*c");
  EXPECT_TRUE(pattern.matches_whole("aaab"));
  EXPECT_FALSE(pattern.matches_whole("aaa"));
  EXPECT_THROW(pattern.matches_whole(std::string(3000, 'a')), Error);
}

}  // namespace
}  // namespace lethe
