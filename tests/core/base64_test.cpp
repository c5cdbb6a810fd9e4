// The test vectors of RFC 4648.
#include "core/base64.h"

#include <gtest/gtest.h>

#include <utility>

namespace lethe {
namespace {

TEST(Base64, EncodesAsRfc4648Does) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xfe", "//4="}};
  for (const auto& [bytes, text] : vectors) EXPECT_EQ(base64(bytes), text);
}

}  // namespace
}  // namespace lethe
