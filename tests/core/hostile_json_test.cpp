// Hostile JSON: deep nesting, impossible numbers, invalid bytes. Hostile regular expressions that would run forever.
#include <gtest/gtest.h>

#include <ctime>

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

TEST(HostileRegex, MuchWorkAtEachOfManyPlacesIsStoppedByTheClock) {
  const Regex pattern("(?:a?){14}a{14}[bc]");  // 2^14 ways to fail at each place: fewer than a blow-up's
  std::vector<ByteRange> found;
  pattern.find_all("x" + std::string(20, 'a') + "b", found);
  EXPECT_EQ(found.size(), 1U);
  const std::clock_t begin = std::clock();
  EXPECT_THROW(pattern.find_all(std::string(60'000, 'a') + "x", found, 0.2), Error);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 5);
}

}  // namespace
}  // namespace lethe
