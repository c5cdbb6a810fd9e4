// What a job reports reaches the observer that the program set, and nothing else.
#include "core/messages.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/terminal.h"

namespace lethe {
namespace {

class Recorder : public Observer {
 public:
  std::vector<std::string> seen;
  bool shows_progress = true;

  Recorder() : before_(set_observer(this)) {}
  ~Recorder() override { set_observer(before_); }
  void message(const std::string& text) override { seen.push_back("message " + text); }
  void warning(const std::string& text) override { seen.push_back("warning " + text); }
  void failure(const std::string& text) override { seen.push_back("failure " + text); }
  void result(const std::string& text) override { seen.push_back("result " + text); }
  std::unique_ptr<ProgressDisplay> progress(const std::string& title, std::uint64_t total,
                                            const std::string& unit) override {
    seen.push_back("begin " + title + " " + std::to_string(total) + " " + unit);
    return shows_progress ? std::make_unique<Display>(seen) : nullptr;
  }

 private:
  struct Display : ProgressDisplay {
    explicit Display(std::vector<std::string>& seen) : seen(seen) {}
    ~Display() override { seen.emplace_back("end"); }
    void update(std::uint64_t done, const std::string& note) override {
      seen.push_back("at " + std::to_string(done) + " " + note);
    }
    std::vector<std::string>& seen;
  };
  Observer* before_;
};

// Every kind of report of a job, and what is printed on the standard streams.
std::string streams_of_everything() {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  say("a");
  warn("b");
  print_failure("c");
  print_table("d\n");
  {
    Progress progress("work", 2, "rows");
    progress.update(1, "loss 1");
    progress.update(2);
    progress.finish();
  }
  return testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
}

TEST(Messages, GoToTheObserverAndNotToTheTerminal) {
  Recorder recorder;
  EXPECT_EQ(streams_of_everything(), "");
  EXPECT_EQ(recorder.seen, (std::vector<std::string>{"message a", "warning b", "failure c", "result d\n",
                                                     "begin work 2 rows", "at 1 loss 1", "at 2 ", "end"}));
}

TEST(Messages, WithoutAnObserverNothingIsPrinted) {
  Observer* const before = set_observer(nullptr);
  EXPECT_EQ(streams_of_everything(), "");
  set_observer(before);
}

TEST(Messages, WhatWasWrittenIsAMessageForAnObserverThatDoesNotTakeIt) {
  Recorder recorder;
  say_wrote("runs/a", ": report.html", R"({"alpha": 1})");
  EXPECT_EQ(recorder.seen, std::vector<std::string>{"message wrote runs/a: report.html"});
}

TEST(Messages, AnObserverMayLeaveProgressOut) {
  Recorder recorder;
  recorder.shows_progress = false;
  EXPECT_EQ(streams_of_everything(), "");
  EXPECT_EQ(recorder.seen.back(), "begin work 2 rows");
}

TEST(Messages, TheTerminalPrintsThem) {
  configure_terminal({});
  EXPECT_EQ(streams_of_everything(), "d\na\nwarning: b\nlethe: c\n");
  configure_terminal({.quiet = true});
  EXPECT_EQ(streams_of_everything(), "d\nwarning: b\nlethe: c\n");
  configure_terminal({});
}

}  // namespace
}  // namespace lethe
