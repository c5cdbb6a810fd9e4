#include "core/similar.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

using Names = std::vector<std::string>;

TEST(Similar, TypingErrorsOfEveryKindFindTheName) {
  const Names commands = {"unlearn", "finetune", "evaluate", "generate", "inspect", "chat", "compare"};
  EXPECT_EQ(similar("unlaern", commands), Names{"unlearn"});     // swapped
  EXPECT_EQ(similar("unlern", commands), Names{"unlearn"});      // dropped
  EXPECT_EQ(similar("unlearnn", commands), Names{"unlearn"});    // doubled
  EXPECT_EQ(similar("umlearn", commands), Names{"unlearn"});     // replaced
  EXPECT_EQ(similar("Fine-Tune", commands), Names{"finetune"});  // other case, a hyphen
  EXPECT_EQ(similar("eval", commands), Names{"evaluate"});       // begun
  EXPECT_EQ(similar("ispect", commands), Names{"inspect"});
}

TEST(Similar, ANameUnlikeAllOthersFindsNothing) {
  const Names commands = {"unlearn", "chat", "out", "lr"};
  for (const char* far : {"", "xyz", "r", "ab", "no_such_command", "zzzzzzzzzzzz"})
    EXPECT_TRUE(similar(far, commands).empty()) << far;
  EXPECT_TRUE(similar("nope", {"home", "root"}).empty());
  EXPECT_TRUE(similar(std::string(100'000, 'u'), commands).empty());
}

TEST(Similar, AllThatAreEquallyNearAreNamed) {
  EXPECT_EQ(similar("eps_xd", {"eps_gd", "eps_rd", "eps_pd", "k"}), (Names{"eps_gd", "eps_rd", "eps_pd"}));
  EXPECT_EQ(either_of({"a"}), "a");
  EXPECT_EQ(either_of({"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace lethe
