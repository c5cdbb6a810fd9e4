// Text printed to a terminal contains no control sequences, wherever it came from.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "core/error.h"
#include "core/plain_text.h"
#include "core/private_memory.h"
#include "core/terminal.h"

namespace lethe {
namespace {

// Each controls a terminal, hides or reorders text, or is not text.
const std::string kOdd[] = {"\x1b[31m",
                            "\x1b]0;title\x07",
                            "\r",
                            "\b",
                            std::string(1, '\0'),
                            "\x7f",
                            "\xc2\x9b"
                            "31m",
                            "\xe2\x80\xae",
                            "\xe2\x81\xa6",
                            "\xf3\xa0\x81\x81",
                            "\xff",
                            "\x9b"
                            "31m",
                            "\x0e",
                            "\v"};

bool is_plain(const std::string& text) {
  for (const std::string& odd : kOdd) {
    if (text.find(odd) != std::string::npos) return false;
  }
  return true;
}

std::string printed(const std::function<void()>& print) {
  configure_terminal({});
  testing::internal::CaptureStderr();
  print();
  return testing::internal::GetCapturedStderr();
}

TEST(Terminal, NothingThatIsPrintedControlsIt) {
  for (const std::string& odd : kOdd) {
    for (const std::string& text : {odd, "a" + odd + "b", "path/" + odd}) {
      for (const std::string& out :
           {printed([&] { say(text); }), printed([&] { warn(text); }), printed([&] { print_failure(text); }),
            printed([&] { print_failure(bad_input("cannot read " + text).found(text).what()); })}) {
        EXPECT_TRUE(is_plain(out)) << out;
        EXPECT_TRUE(out.ends_with('\n')) << out;
      }
    }
  }
  EXPECT_EQ(printed([] { say("one\n  two\tthree é"); }), "one\n  two\tthree é\n");
  EXPECT_EQ(printed([] { warn("one"); }), "warning: one\n");
  EXPECT_EQ(printed([] { print_failure("a\x1b[2Jb"); }), "lethe: a\u241b[2Jb\n");
}

TEST(Terminal, TheRateOfContinuedWorkLeavesOutWhatWasDoneBefore) {
  const std::string out = printed([] {
    Progress progress("work", 1000, "steps");
    progress.update(900);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    progress.update(903);
  });
  const auto place = out.find("903/1000  ");
  ASSERT_NE(place, std::string::npos) << out;
  EXPECT_LT(std::stod(out.substr(place + 10)), 3.0) << out;  // three steps in 1.1 s, not 903
  EXPECT_NE(out.find("ETA"), std::string::npos) << out;
}

TEST(Terminal, AnErrorsLineBreaksAreItsOwn) {
  const Error error =
      bad_input("cannot read a\nlethe: all is well").with("key\n", "x\n  found  y").found("a\x1b[31m\tb");
  const std::string text = error.what();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_TRUE(is_plain(text)) << text;
  EXPECT_NE(text.find("a\\nlethe: all is well\n"), std::string::npos) << text;
  EXPECT_NE(text.find("a\\x1b[31m\\tb"), std::string::npos) << text;
}

TEST(Terminal, TextIsCutBetweenCharacters) {
  EXPECT_EQ(first_characters("aéb", 2), "aé");
  EXPECT_EQ(first_characters("aéb", 9), "aéb");
  EXPECT_EQ(first_characters("", 3), "");
  EXPECT_EQ(first_characters("日本", 1), "日");
}

// The process that ends here is a copy of this one, so that the limits of the test's own stay.
TEST(PrivateMemory, NoCoreDumpIsWrittenAndNoOtherProcessReadsIt) {
  EXPECT_EXIT(
      {
        keep_memory_private();
        struct rlimit limit {};
        getrlimit(RLIMIT_CORE, &limit);
        _exit(prctl(PR_GET_DUMPABLE) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace lethe
