// --json-log: each report is one line of JSON that controls no terminal.
#include "core/json_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "core/error.h"
#include "core/json.h"
#include "core/terminal.h"

namespace lethe {
namespace {

class JsonLogTest : public testing::Test {
 protected:
  void SetUp() override { configure_terminal({.json_log = true}); }
  void TearDown() override { configure_terminal({}); }

  // What `work` writes to stderr, line by line; its standard output is in printed_.
  std::vector<Json> events_of(const std::function<void()>& work) {
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    work();
    printed_ = testing::internal::GetCapturedStdout();
    text_ = testing::internal::GetCapturedStderr();
    std::vector<Json> events;
    for (const JsonLine& line : parse_json_lines(text_, "stderr")) {
      EXPECT_EQ(line.value.at("time").get<std::string>().size(), 20U);
      events.push_back(line.value);
      events.back().erase("time");
    }
    return events;
  }
  std::string printed_, text_;
};

TEST_F(JsonLogTest, EachReportIsAnEvent) {
  const std::vector<Json> events = events_of([] {
    say("a\nb");
    warn("c");
    print_table("d\n");
    say_wrote("runs/e", ": more", R"({"alpha": 0.5})");
    say_wrote("runs/f");
    JsonLog::end(3, 1.5);
  });
  EXPECT_EQ(events, (std::vector<Json>{{{"event", "message"}, {"text", "a\nb"}},
                                       {{"event", "warning"}, {"text", "c"}},
                                       {{"event", "result"}, {"text", "d\n"}},
                                       {{"event", "wrote"}, {"path", "runs/e"}, {"results", {{"alpha", 0.5}}}},
                                       {{"event", "wrote"}, {"path", "runs/f"}},
                                       {{"event", "end"}, {"status", 3}, {"seconds", 1.5}}}));
  EXPECT_EQ(printed_, "d\n");  // as without the log
}

TEST_F(JsonLogTest, AnErrorsLinesAreItsDetails) {
  const Error error =
      bad_input("cannot load x").wanted("F16 [2, 3]").found("one  thing").found("another").hint("the other file");
  const Json expected = parse_json(R"({"event": "error", "text": "cannot load x", "details": [
      ["wanted", "F16 [2, 3]"], ["found", "one  thing"], ["found", "another"], ["try", "the other file"]]})",
                                   "expected");
  const std::vector<Json> seen = events_of([&] { print_failure(error.what()); });
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0], expected);
}

TEST_F(JsonLogTest, NoTextControlsATerminalOrForgesALine) {
  const std::string hostile = "\x1b]0;t\x07\r\n{\"event\":\"end\"}\xc2\x9b\u202e\xff";
  const std::vector<Json> events = events_of([&] { say(hostile); });
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("text"), "\x1b]0;t\x07\r\n{\"event\":\"end\"}\u009b\u202e\ufffd");
  for (const char c : text_) EXPECT_TRUE(c == '\n' || (c >= ' ' && c < 0x7F)) << static_cast<int>(c);
  EXPECT_EQ(std::count(text_.begin(), text_.end(), '\n'), 1);
}

TEST_F(JsonLogTest, ProgressOfLongWorkIsReportedAtARateOfItsOwn) {
  const std::vector<Json> events = events_of([] {
    Progress brief("brief", 2, "rows");
    brief.update(2);
    Progress progress("training", 2000, "steps");
    progress.update(0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    for (std::uint64_t i = 2; i < 1000; ++i) progress.update(i, "loss 1.5");
    progress.update(2000);
  });
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].at("title"), "training");
  EXPECT_EQ(events[0].at("done"), 2);
  EXPECT_EQ(events[0].at("total"), 2000);
  EXPECT_EQ(events[0].at("unit"), "steps");
  EXPECT_EQ(events[0].at("note"), "loss 1.5");
  EXPECT_GT(events[0].at("rate"), 0.1);
  EXPECT_GT(events[0].at("seconds_left"), 1);
  EXPECT_EQ(events[1].at("done"), 2000);
  EXPECT_EQ(events[1].at("seconds_left"), 0);
}

TEST_F(JsonLogTest, QuietLeavesWarningsErrorsAndResults) {
  configure_terminal({.quiet = true, .json_log = true});
  const std::vector<Json> events = events_of([] {
    say("a");
    Progress progress("work", 2, "rows");
    std::this_thread::sleep_for(std::chrono::milliseconds(1050));
    progress.update(2);
    warn("b");
    print_failure("c");
    print_table("d\n");
  });
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].at("event"), "warning");
}

TEST_F(JsonLogTest, OutOfMemoryIsAnEventToo) {
  testing::internal::CaptureStderr();
  print_out_of_memory();
  const Json event = parse_json(testing::internal::GetCapturedStderr(), "stderr");
  EXPECT_EQ(event.at("event"), "error");
  EXPECT_EQ(event.at("time").get<std::string>().size(), std::string("2026-11-30T07:05:00Z").size());
  EXPECT_EQ(event.at("text"), kOutOfMemory);
  EXPECT_EQ(event.at("details")[0][1], kOutOfMemoryHint);
}

}  // namespace
}  // namespace lethe
