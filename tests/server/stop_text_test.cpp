// Stop texts end an answer wherever the tokens are cut, and nothing of them is shown.
#include "server/stop_text.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

/// What is shown of a text that comes in pieces of this size.
std::string shown(const std::vector<std::string>& stops, const std::string& text, std::size_t size) {
  StopText stop(stops);
  std::string out;
  for (std::size_t i = 0; i < text.size() && !stop.found(); i += size) out += stop.add(text.substr(i, size));
  return out + stop.finish();
}

TEST(StopText, EndsBeforeTheFirstOneAcrossPiecesOfAnySize) {
  for (std::size_t size = 1; size < 12; ++size) {
    EXPECT_EQ(shown({"\n\n", "Question:"}, "An answer.\n Question: more", size), "An answer.\n ") << size;
    EXPECT_EQ(shown({"\n\n", "Question:"}, "An answer.\n\nQuestion: more", size), "An answer.") << size;
    EXPECT_EQ(shown({"aab"}, "aaaab", size), "aa") << size;
    EXPECT_EQ(shown({"xyz"}, "xyxyx", size), "xyxyx") << size;  // held back, then shown at the end
    EXPECT_EQ(shown({}, "all of it", size), "all of it") << size;
  }
}

TEST(StopText, HoldsBackOnlyWhatMayBeginOne) {
  StopText stop({"END", "</s>"});
  EXPECT_EQ(stop.add("abE"), "ab");
  EXPECT_EQ(stop.add("x"), "Ex");
  EXPECT_EQ(stop.add("<"), "");
  EXPECT_EQ(stop.add("/s"), "");
  EXPECT_EQ(stop.add("<EN"), "</s<");
  EXPECT_EQ(stop.add("D more"), "");
  EXPECT_TRUE(stop.found());
  EXPECT_EQ(stop.add("more"), "");
  EXPECT_EQ(stop.finish(), "");
}

}  // namespace
}  // namespace lethe
