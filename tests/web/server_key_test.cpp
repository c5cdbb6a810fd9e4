// Keys that are given in place of their variable's name are not shown.
#include "web/server_key.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

TEST(ServerKey, OfAnUnsetVariableOnlyWhatLooksLikeANameIsShown) {
  for (const char* name : {"HF_TOKEN", "KEY", "OPENAI_API_KEY_2"})
    EXPECT_EQ(unset_variable(name), std::string(name) + ", which is not set");
  for (const char* key : {"sk-proj-abc", "hf_abcDEF", "AKIAIOSFODNN7EXAMPLE", "abc", "A B", "\x1b[2J"})
    EXPECT_EQ(unset_variable(key).find(key), std::string::npos) << key;
}

}  // namespace
}  // namespace lethe
