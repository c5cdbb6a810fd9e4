// Shared by tests of the program: run it as a user does, in a folder with the demo's data.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

#include "core/files.h"
#include "core/json.h"
#include "folder_test.h"

namespace lethe {

struct Outcome {
  int status;
  std::string text;  // stdout and stderr
};

/// A sanitizer must be loaded before any other library.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

inline Outcome command_outcome(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  Outcome outcome{0, ""};
  std::array<char, 4096> buffer;
  while (std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    outcome.text.append(buffer.data(), count);
  outcome.status = WEXITSTATUS(pclose(pipe));
  return outcome;
}

/// A command of bash; without single quotes.
inline Outcome shell(const std::string& command) {
  return command_outcome("bash -c '" + command + "' 2>&1");
}

/// lethe with these arguments, as a shell would split them.
inline Outcome run(const std::string& arguments) {
  return command_outcome("OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive " LETHE_PROGRAM " " + arguments + " 2>&1");
}

/// Starts lethe; its text goes to `log`. @return the process, which is lethe itself, so that signals reach it
inline pid_t start_program(const std::string& arguments, const std::string& log) {
  const std::string command = "OMP_NUM_THREADS=1 exec " LETHE_PROGRAM " " + arguments + " > " + log + " 2>&1";
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  return child;
}

/// Waits until a started program has ended. @return its status as a shell shows it: 137 after SIGKILL
inline int ended(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// A folder with the files from which all tests of this process start; removed at the end.
class SharedFolder {
 public:
  explicit SharedFolder(const std::string& name)
      : path_(fs::path(testing::TempDir()) / ("lethe_shared_" + name + "_" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~SharedFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  SharedFolder(const SharedFolder&) = delete;
  std::string at(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

/// The first lines of a file.
inline std::string first_lines_of(const fs::path& file, int count) {
  std::istringstream lines(read_file(file));
  std::string first, line;
  for (int i = 0; i < count && std::getline(lines, line); ++i) first += line + "\n";
  return first;
}

/// The demo's data, which the program writes once, and in few/ the first lines of each file.
inline std::string shared_demo() {
  static const SharedFolder folder("demo");
  static const int status = [] {
    const int written = run("demo --data-only --quiet --out " + folder.at("demo")).status;
    fs::create_directories(folder.at("demo/few"));
    for (const char* name : {"harmful.jsonl", "normal.jsonl", "lawful.jsonl"})
      write_file(folder.at("demo/few/") + name, first_lines_of(folder.at("demo/data/") + name, 40));
    return written;
  }();
  EXPECT_EQ(status, 0);
  return folder.at("demo");
}

class Program : public FolderTest {
 protected:
  /// Each test has a copy of its own, which it may change, and an empty cache of its own.
  void SetUp() override {
    FolderTest::SetUp();
    static const SharedFolder caches("caches");
    ::setenv("XDG_CACHE_HOME", caches.at(folder_.filename().string()).c_str(), 1);
    fs::copy(shared_demo(), at("demo"), fs::copy_options::recursive);
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  /// 40 harmful and 40 normal pairs: reading, scoring and judging all of them takes most of a short test's time.
  std::string data() const {
    return " --harmful " + at("demo/few/harmful.jsonl") + " --normal " + at("demo/few/normal.jsonl");
  }
  /// All pairs of the demo.
  std::string all_data() const {
    return " --harmful " + at("demo/data/harmful.jsonl") + " --normal " + at("demo/data/normal.jsonl");
  }
  const std::string model_ = (fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string();
};

inline void expect_all(const Outcome& outcome, int status, const std::vector<std::string>& words) {
  EXPECT_EQ(outcome.status, status) << outcome.text;
  for (const std::string& word : words)
    EXPECT_NE(outcome.text.find(word), std::string::npos) << "wanted " << word << " in\n" << outcome.text;
}

}  // namespace lethe
