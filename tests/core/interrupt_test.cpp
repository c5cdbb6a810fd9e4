// Stop requests: who made them, and what an interrupted command says is kept.
#include "core/interrupt.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

// Each in a process of its own: a request cannot be taken back, and signals are handled from then on.
void pause_briefly() {
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
}

int status_of_a_stop_by_the_program() {
  request_stop();
  if (!interrupted() || interrupted_by_keyboard() || take_interrupt()) return 1;
  const std::string text = interrupted_error("stopped").what();
  if (text != "stopped") return 2;  // no signal is named
  try {
    stop_if_interrupted();
  } catch (const Error& error) {
    return error.code() == ExitCode::interrupted ? 0 : 3;
  }
  return 4;
}

TEST(Interrupt, ByTheProgramNamesNoSignalAndNoKeyboard) {
  EXPECT_EXIT(std::_Exit(status_of_a_stop_by_the_program()), testing::ExitedWithCode(0), "");
}

// After the program's own request, Ctrl-C is the first one of the keyboard: work may still end at a safe point.
TEST(Interrupt, ByTheProgramLetsTheFirstCtrlCWaitAndTheSecondEnd) {
  EXPECT_EXIT(
      {
        handle_interrupts();
        request_stop();
        ::kill(::getpid(), SIGINT);
        pause_briefly();
        if (!interrupted_by_keyboard()) std::_Exit(1);
        ::kill(::getpid(), SIGINT);
        pause_briefly();
        std::_Exit(2);  // the second one should have ended it
      },
      testing::ExitedWithCode(130), "");
}

TEST(Interrupt, ByTheProgramDoesNotReplaceASignal) {
  EXPECT_EXIT(
      {
        handle_interrupts();
        ::kill(::getpid(), SIGTERM);
        pause_briefly();
        request_stop();
        const std::string text = interrupted_error("stopped").what();
        std::_Exit(text.find("SIGTERM") != std::string::npos && !interrupted_by_keyboard() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

class KeptWork : public FolderTest {};

TEST_F(KeptWork, IsNamedWhenACommandIsInterrupted) {
  const auto message = [&](const Error& problem) {
    try {
      going_on_later([&] { return kept_parts(folder_, "part"); }, [&] { throw problem; });
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), problem.code());
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const Error interrupt("interrupted; no output was written", ExitCode::interrupted);
  EXPECT_EQ(message(interrupt), interrupt.what()) << "nothing is kept yet";
  write_file(folder_ / "one.json", "{}");
  write_file(folder_ / "one.metrics.jsonl", "");
  EXPECT_EQ(message(interrupt).find("interrupted; 1 finished part is kept in " + folder_.string()), 0U);
  write_file(folder_ / "two.json", "{}");
  EXPECT_NE(message(interrupt).find("2 finished parts are kept"), std::string::npos);
  EXPECT_NE(message(interrupt).find("the same command goes on"), std::string::npos);
  EXPECT_EQ(message(bad_input("cannot read")), "cannot read") << "other errors stay as they are";
  EXPECT_EQ(going_on_later([] { return "x"; }, [] { return 5; }), 5);
}

}  // namespace
}  // namespace lethe
