// An object with a duplicate key is refused, however large the object.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"

namespace lethe {
namespace {

std::string object_of(int keys, const std::string& last) {
  std::string text = "{";
  for (int i = 0; i < keys; ++i) text += "\"key" + std::to_string(i) + "\": {\"a\": 1}, ";
  return text + "\"" + last + "\": 2}";
}

TEST(JsonKeys, TwiceIsRefusedInObjectsOfAnySize) {
  for (const int keys : {2, 63, 64, 65, 1000}) {
    EXPECT_EQ(parse_json(object_of(keys, "other"), "x").size(), static_cast<std::size_t>(keys + 1));
    EXPECT_THROW(parse_json(object_of(keys, "key1"), "x"), Error) << keys;
    EXPECT_THROW(parse_json(object_of(keys, "key" + std::to_string(keys - 1)), "x"), Error) << keys;
  }
}

}  // namespace
}  // namespace lethe
