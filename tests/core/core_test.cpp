// The base of all other layers: errors, JSON, files, numbers, random streams.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/json.h"
#include "core/numbers.h"
#include "core/plain_text.h"
#include "core/random.h"
#include "core/staged_folder.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

fs::path fresh(const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / ("lethe_core_" + name);
  fs::remove_all(path);
  return path;
}

TEST(Errors, AreAlignedAndEscapeTextFromOutside) {
  const Error error = bad_input("cannot load x").with("tensor", "a").wanted("F16").found("F32");
  EXPECT_STREQ(error.what(), "cannot load x\n  tensor  a\n  wanted  F16\n  found   F32");
  EXPECT_EQ(error.code(), ExitCode::bad_input);
  EXPECT_EQ(excerpt("a\x1b[31mb\nc").find('\x1b'), std::string::npos);
  EXPECT_EQ(excerpt("a\nb").find('\n'), std::string::npos);
  EXPECT_LE(excerpt(std::string(1000, 'x'), 80).size(), 90U);
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

TEST(PlainText, NothingInATextControlsATerminal) {
  EXPECT_EQ(terminal_text("a\x1b[31mb\x07"), "a\u241b[31mb\u2407");
  EXPECT_EQ(terminal_text("line\r\n\ttab ä日😀"), "line\n\ttab ä日😀");
  EXPECT_EQ(terminal_text("\u009b2J\u202e\x7f\xff"),
            "\uFFFD2J\uFFFD\u2421\uFFFD");  // C1's CSI; right to left; DEL; no UTF-8
  EXPECT_EQ(excerpt("\u009b\u202ex\x9b"), "\\u009b\\u202ex\uFFFD");
  EXPECT_EQ(excerpt("日本語", 4), "日本…");
  EXPECT_EQ(excerpt("日本語", 9), "日本語");
}

bool blocked_here(int signal) {
  sigset_t blocked;
  sigemptyset(&blocked);
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return sigismember(&blocked, signal) == 1;
}

// In a separate process, because signals that it blocks stay blocked.
TEST(Interrupt, CanBeTakenWhereItStopsLessThanTheProgram) {
  const auto come = [] {
    for (int wait = 0; wait < 1000 && !interrupted(); ++wait) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return interrupted();
  };
  EXPECT_EXIT(
      {
        handle_interrupts();
        const bool before = take_interrupt();
        kill(getpid(), SIGINT);
        const bool taken = come() && take_interrupt();
        const bool after = interrupted();
        kill(getpid(), SIGTERM);
        _exit(!before && taken && !after && come() && !take_interrupt() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

bool asked_within_seconds() {
  for (int wait = 0; wait < 1000 && !interrupted(); ++wait) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return interrupted();
}

TEST(Interrupt, EverySignalThatEndsProcessesIsFirstARequest) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGXCPU}) {
    EXPECT_EXIT(
        {
          handle_interrupts();
          kill(getpid(), signal);
          if (!asked_within_seconds()) _exit(1);
          try {
            stop_if_interrupted();
          } catch (const Error& error) {
            _exit(static_cast<int>(error.code()));
          }
        },
        testing::ExitedWithCode(130), "")
        << signal;
  }
}

// The kernel and the shell both send SIGHUP when a terminal closes; schedulers repeat SIGTERM.
TEST(Interrupt, RepeatedSignalsOfMachinesDoNotCutOffWhatIsBeingSaved) {
  EXPECT_EXIT(
      {
        handle_interrupts();
        for (const int signal : {SIGHUP, SIGHUP, SIGTERM, SIGTERM, SIGUSR1}) {
          kill(getpid(), signal);
          std::this_thread::sleep_for(std::chrono::milliseconds(30));
        }
        _exit(interrupted() ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
}

TEST(Interrupt, ASignalThatNohupIgnoresStaysIgnored) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        handle_interrupts();
        kill(getpid(), SIGHUP);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        if (interrupted()) _exit(1);
        kill(getpid(), SIGTERM);
        _exit(asked_within_seconds() ? 7 : 2);
      },
      testing::ExitedWithCode(7), "");
}

TEST(Interrupt, AClosedPipeFailsTheWriteAndNotTheProgram) {
  EXPECT_EXIT(
      {
        handle_interrupts();
        int ends[2];
        if (::pipe(ends) != 0) _exit(1);
        ::close(ends[0]);
        _exit(::write(ends[1], "x", 1) < 0 && errno == EPIPE && !interrupted() ? 7 : 2);
      },
      testing::ExitedWithCode(7), "");
}

// A handler's frame on the stack of a thread that is inside oneDNN's products destroys their memory.
TEST(Interrupt, RunsOnNoThreadThatComputes) {
  EXPECT_EXIT(
      {
        handle_interrupts();
        const auto all_blocked = [] { return blocked_here(SIGINT) && blocked_here(SIGTERM) && blocked_here(SIGHUP); };
        bool blocked = all_blocked();
        std::thread([&] { blocked = blocked && all_blocked(); }).join();
        _exit(blocked ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Interrupt, ASecondOneStopsAtOnceAndRemovesWhatIsHalfWritten) {
  const fs::path folder = fs::temp_directory_path() / "lethe_second_interrupt";
  fs::remove_all(folder);
  fs::create_directories(folder);
  EXPECT_EXIT(
      {
        handle_interrupts();
        StagedFolder staged(folder / "out");
        kill(getpid(), SIGINT);
        while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        std::thread([] {
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
          kill(getpid(), SIGINT);
        }).detach();
        for (int number = 0; number < 10000000; ++number) {
          try {
            write_file(staged.path() / std::to_string(number), "text");
          } catch (const Error&) {
            std::this_thread::sleep_for(std::chrono::seconds(30));
          }
        }
        _exit(0);
      },
      testing::ExitedWithCode(130), "");
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(JsonText, RefusesDuplicateKeysDepthAndRubbishNamingThePlace) {
  EXPECT_THROW(parse_json("{\"a\":1,\"a\":2}", "x"), Error);
  EXPECT_THROW(parse_json(std::string(100, '[') + std::string(100, ']'), "x"), Error);
  EXPECT_NO_THROW(parse_json(std::string(60, '[') + std::string(60, ']'), "x"));
  EXPECT_THROW(parse_json("{\"a\":1} more", "x"), Error);
  try {
    parse_json_lines("{\"a\":1}\n\n  \n[1]\n", "rows.jsonl");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("rows.jsonl, line 4"), std::string::npos) << error.what();
  }
  const auto lines = parse_json_lines("{\"a\":1}\r\n\n{\"a\":2}", "rows");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1].number, 3U);
  EXPECT_EQ(dump_json(Json("\xff")), "\"\xEF\xBF\xBD\"");
}

TEST(Files, AppearWholeOrNotAtAll) {
  const fs::path folder = fresh("staged");
  {
    StagedFolder staged(folder);
    write_file(staged.path() / "a", "1");
  }
  EXPECT_FALSE(fs::exists(folder));
  {
    StagedFolder staged(folder);
    write_file(staged.path() / "a", "1");
    staged.commit();
  }
  EXPECT_EQ(read_file(folder / "a"), "1");
  EXPECT_THROW(StagedFolder{folder}, Error);  // not empty
  EXPECT_EQ(read_file(folder / "a"), "1");
  for (const auto& entry : fs::directory_iterator(folder.parent_path()))
    EXPECT_EQ(entry.path().filename().string().find(".lethe_core_staged"), std::string::npos);
}

TEST(Files, StagedByAProcessThatWasKilledAreRemovedWhenTheNameIsStagedAgain) {
  const fs::path folder = fresh("orphaned");
  const pid_t child = ::fork();
  if (child == 0) {
    new StagedFolder(folder);  // never removed
    ::_exit(0);
  }
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const std::string prefix = "." + folder.filename().string() + ".partial-";
  fs::path dead;
  for (const auto& entry : fs::directory_iterator(folder.parent_path())) {
    if (entry.path().filename().string().starts_with(prefix)) dead = entry.path();
  }
  EXPECT_TRUE(fs::exists(dead));
  // Names that are not ours, and a folder that others may write to.
  std::vector<fs::path> others;
  for (const char* ending : {"1", "x", "abcdefghijk", "abcdefghij"})
    others.push_back(folder.parent_path() / (prefix + ending));
  for (const fs::path& other : others) fs::create_directories(other);
  fs::permissions(others.back(), fs::perms::all);
  {
    const int held = ::open(dead.c_str(), O_RDONLY | O_DIRECTORY);  // by a process of another container, say
    EXPECT_EQ(::flock(held, LOCK_EX | LOCK_NB), 0);
    { const StagedFolder staged(folder); }
    EXPECT_TRUE(fs::exists(dead));
    ::close(held);
  }
  { const StagedFolder staged(folder); }
  EXPECT_FALSE(fs::exists(dead));
  for (const fs::path& other : others) {
    EXPECT_TRUE(fs::exists(other)) << other;
    fs::remove_all(other);
  }
}

// Two containers that share a disk may use the same process ids.
TEST(Files, StagedByAnotherContainersProcessOfTheSameNumberAreLeftAlone) {
  const fs::path folder = fresh("container");
  const fs::path other =
      folder.parent_path() / ("." + folder.filename().string() + ".partial-" + std::to_string(getpid()));
  fs::create_directories(other);
  write_file(other / "half", "x");
  {
    StagedFolder staged(folder);
    EXPECT_NE(staged.path(), other);
    staged.commit();
  }
  EXPECT_TRUE(fs::exists(other / "half"));
  fs::remove_all(other);
}

TEST(Files, StagedAreKeptWhereTheirNameWasTakenMeanwhile) {
  const fs::path folder = fresh("taken"), second = fresh("taken-2");
  StagedFolder staged(folder);
  write_file(staged.path() / "a", "costly");
  fs::create_directories(folder / "mine");
  try {
    staged.commit();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(second.string()), std::string::npos) << error.what();
  }
  EXPECT_EQ(read_file(second / "a"), "costly");
  EXPECT_TRUE(fs::exists(folder / "mine"));
}

TEST(Files, KeepTheOldContentWhereANewOneCannotBeWritten) {
  const fs::path folder = fresh("replace");
  fs::create_directories(folder);
  write_file(folder / "a", "old");
  write_file(folder / "a", "new");
  EXPECT_EQ(read_file(folder / "a"), "new");
  EXPECT_THROW(write_file(folder / "no" / "a", "x"), Error);
  EXPECT_THROW(read_file(folder), Error);
  EXPECT_THROW(read_file(folder / "missing"), Error);
}

TEST(Files, PrivateOnesAreReadableByTheirOwnerAlone) {
  const fs::path path = fresh("secret");
  write_file(path, "x", Access::owner_only);
  EXPECT_EQ(fs::status(path).permissions() & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
}

TEST(Numbers, AreTakenWholeOrNotAtAll) {
  EXPECT_EQ(parse_number("2.5e-4"), 2.5e-4);
  EXPECT_EQ(parse_whole_number("-7"), -7);
  for (const char* text : {"", "1x", " 1", "nan", "inf", "1e999", "0x10"}) EXPECT_FALSE(parse_number(text)) << text;
  EXPECT_FALSE(parse_whole_number("1.5"));
  EXPECT_FALSE(parse_whole_number("99999999999999999999"));
}

TEST(RandomStreams, DependOnSeedPurposeAndStepAlone) {
  const auto draws = [](std::uint64_t seed, const char* purpose, std::uint64_t step) {
    RandomStream stream(seed, purpose, step);
    std::vector<std::uint32_t> list;
    for (int i = 0; i < 10; ++i) list.push_back(stream.next());
    return list;
  };
  EXPECT_EQ(draws(1, "a", 2), draws(1, "a", 2));
  const std::set<std::vector<std::uint32_t>> different = {draws(1, "a", 2), draws(2, "a", 2), draws(1, "b", 2),
                                                          draws(1, "a", 3)};
  EXPECT_EQ(different.size(), 4U);
}

TEST(RandomStreams, AreUniformAndNormal) {
  RandomStream stream(5, "test");
  std::array<int, 6> counts{};
  double sum = 0, squares = 0;
  for (int i = 0; i < 60000; ++i) {
    ++counts[stream.below(6)];
    const double value = stream.normal();
    sum += value;
    squares += value * value;
  }
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);  // five standard deviations
  EXPECT_NEAR(sum / 60000, 0, 0.02);
  EXPECT_NEAR(squares / 60000, 1, 0.03);
  const auto sample = stream.sample(10, 10);
  EXPECT_EQ(std::set<std::size_t>(sample.begin(), sample.end()).size(), 10U);
  EXPECT_THROW(stream.sample(3, 4), Error);
}

}  // namespace
}  // namespace lethe
