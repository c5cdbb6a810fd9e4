// Lists fit the terminal; a program that reads them gets a line for each row.
#include "cli/listing.h"

#include <gtest/gtest.h>

#include "cli/pseudo_terminal.h"
#include "cli/side_by_side.h"

namespace lethe {
namespace {

using Rows = std::vector<std::vector<std::string>>;

TEST(Listing, ARowIsALineIfItFitsOrNobodyLooks) {
  const Rows rows = {{"name", "what"}, {"a", "one two"}, {"bcdefg", "é"}};
  const std::string lines = "name    what\na       one two\nbcdefg  é\n";
  EXPECT_EQ(aligned_lines(rows, 0), lines);
  EXPECT_EQ(aligned_lines(rows, 15), lines);
}

TEST(Listing, ALongLastColumnIsBroken) {
  EXPECT_EQ(aligned_lines({{"name", "what"}, {"a", "one two three"}}, 14), "name  what\na     one two\n      three\n");
}

TEST(Listing, ManyWideColumnsBecomeBlocks) {
  EXPECT_EQ(
      aligned_lines({{"name", "needs", "source"}, {"a", "a folder", "https://example.org/long"}, {"b", "", "c"}}, 20),
      "a\n  needs   a folder\n  source  https://ex\n          ample.org/\n          long\nb\n  source  c\n");
}

TEST(Listing, NoLineOfAListIsWiderThanTheTerminal) {
  for (const char* what : {"judge list", "methods", "models"}) {
    std::vector<std::string> words = {LETHE_PROGRAM};
    const std::string text = what;
    const std::size_t space = text.find(' ');
    words.push_back(text.substr(0, space));
    if (space != std::string::npos) words.push_back(text.substr(space + 1));
    Terminal terminal(words, 90);
    EXPECT_EQ(terminal.finish(), 0);
    EXPECT_GT(terminal.all().size(), 100U);
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = terminal.all().find('\n', begin)) != std::string::npos; begin = end + 1)
      EXPECT_LE(display_width(terminal.all().substr(begin, end - begin - 1)), 90U) << what;
  }
}

}  // namespace
}  // namespace lethe
