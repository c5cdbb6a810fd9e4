// Shared by tests of the program at a terminal.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace lethe {

/// A program with its own terminal.
class Terminal {
 public:
  /// @param variables  NAME=value, for the program's environment. Without any, NO_COLOR is set.
  Terminal(std::vector<std::string> arguments, unsigned short columns, std::vector<std::string> variables = {}) {
    struct winsize size {
      .ws_row = 40, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0
    };
    pid_ = forkpty(&descriptor_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      ::setenv("OMP_NUM_THREADS", "1", 1);
      if (variables.empty()) ::setenv("NO_COLOR", "1", 1);
      for (std::string& variable : variables) ::putenv(variable.data());
      std::vector<char*> pointers;
      for (std::string& argument : arguments) pointers.push_back(argument.data());
      pointers.push_back(nullptr);
      ::execv(pointers[0], pointers.data());
      ::_exit(127);
    }
  }
  ~Terminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(descriptor_);
  }
  void type(const std::string& text) const {
    ASSERT_EQ(::write(descriptor_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Reads until `part` stands in what came since the last wait; returns that.
  std::string wait_for(const std::string& part) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (unread_.find(part) == std::string::npos) {
      struct pollfd poll {
        .fd = descriptor_, .events = POLLIN, .revents = 0
      };
      char buffer[4096];
      ssize_t count = 0;
      if (::poll(&poll, 1, 1000) > 0 && (count = ::read(descriptor_, buffer, sizeof buffer)) <= 0) break;
      unread_.append(buffer, static_cast<std::size_t>(count));
      all_.append(buffer, static_cast<std::size_t>(count));
      if (std::chrono::steady_clock::now() > deadline) break;
    }
    EXPECT_NE(unread_.find(part), std::string::npos) << "waited for " << part << " in\n" << unread_;
    const std::size_t end = std::min(unread_.size(), unread_.find(part) + part.size());
    const std::string seen = unread_.substr(0, end);
    unread_.erase(0, end);
    return seen;
  }
  /// The exit status; what is left to read is read.
  int finish() {
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(descriptor_, buffer, sizeof buffer)) > 0;)
      all_.append(buffer, static_cast<std::size_t>(count));
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& all() const { return all_; }
  void send(int signal) const { ::kill(pid_, signal); }
  std::filesystem::path process() const { return std::filesystem::path("/proc") / std::to_string(pid_); }

 private:
  pid_t pid_ = 0;
  int descriptor_ = -1;
  std::string unread_, all_;
};

}  // namespace lethe
