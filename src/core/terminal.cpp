#include "core/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "core/plain_text.h"

namespace lethe {
namespace {

bool bar_on_screen = false;

void erase_bar() {
  if (bar_on_screen) std::fputs("\r\033[K", stderr);
  bar_on_screen = false;
}

int columns() {
  struct winsize size {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 100;
}

std::string rate_text(double rate, const std::string& unit) {
  char buffer[64];
  if (unit == "bytes") {
    std::snprintf(buffer, sizeof buffer, "%.0f MB/s", rate / 1e6);
  } else {
    std::snprintf(buffer, sizeof buffer, rate < 10 ? "%.2f %s/s" : "%.0f %s/s", rate, unit.c_str());
  }
  return buffer;
}

class ProgressBar : public ProgressDisplay {
 public:
  ProgressBar(std::string title, std::uint64_t total, std::string unit)
      : title_(std::move(title)), unit_(std::move(unit)), total_(total) {}
  ~ProgressBar() override { erase_bar(); }

  void update(std::uint64_t done, const std::string& note) override {
    using namespace std::chrono_literals;
    const auto now = std::chrono::steady_clock::now();
    const bool live = ::isatty(STDERR_FILENO);
    if (!first_) first_ = {now, done};
    if (now - start_ < 1s) return;
    if (drawn_ && now - last_ < (live ? 100ms : 5000ms) && done != total_) return;
    last_ = now;
    drawn_ = true;
    const std::string line = one_line(text(done, note, rate(done, now), live));
    if (live) {
      const auto shown = first_characters(line, static_cast<std::size_t>(columns() - 1));
      std::fprintf(stderr, "\r\033[K%s", shown.c_str());
      bar_on_screen = true;
      std::fflush(stderr);
    } else {
      std::fprintf(stderr, "%s\n", line.c_str());
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Units a second since the first update, because continued work begins with units that an earlier run did.
  double rate(std::uint64_t done, Clock::time_point now) const {
    const double seconds = std::chrono::duration<double>(now - first_->first).count();
    return seconds > 0 && done > first_->second ? static_cast<double>(done - first_->second) / seconds : 0;
  }

  std::string text(std::uint64_t done, const std::string& note, double rate, bool live) const {
    const double share = total_ > 0 ? static_cast<double>(done) / total_ : 0;
    std::string line = title_ + " ";
    if (live) {
      const int width = 20, filled = static_cast<int>(share * width);
      line += "[" + std::string(filled, '#') + std::string(width - filled, '.') + "] ";
    }
    line += unit_ == "bytes" ? std::to_string(static_cast<int>(share * 100)) + "%"
                             : std::to_string(done) + "/" + std::to_string(total_);
    if (rate > 0) line += "  " + rate_text(rate, unit_);
    if (rate > 0 && done < total_) line += "  ETA " + duration_text((total_ - done) / rate);
    if (!note.empty()) line += "  " + note;
    return line;
  }

  std::string title_, unit_;
  std::uint64_t total_;
  Clock::time_point start_ = Clock::now(), last_ = start_;
  std::optional<std::pair<Clock::time_point, std::uint64_t>> first_;  // the first update: when, and what was done
  bool drawn_ = false;
};

class Terminal : public Observer {
 public:
  TerminalOptions options;

  void message(const std::string& text) override {
    if (!options.quiet) print("", text);
  }
  void warning(const std::string& text) override { print("warning: ", text); }
  void failure(const std::string& text) override { print("lethe: ", text); }
  void result(const std::string& text) override {
    erase_bar();
    std::cout << text << std::flush;
  }
  std::unique_ptr<ProgressDisplay> progress(const std::string& title, std::uint64_t total,
                                            const std::string& unit) override {
    if (options.quiet) return nullptr;
    return std::make_unique<ProgressBar>(title, total, unit);
  }

 private:
  static void print(const char* label, const std::string& text) {
    erase_bar();
    std::fprintf(stderr, "%s%s\n", label, terminal_text(text).c_str());
  }
};

}  // namespace

void configure_terminal(const TerminalOptions& options) {
  static Terminal terminal;
  terminal.options = options;
  set_observer(&terminal);
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

namespace {

// The number after `key` in a file of lines "key number"; nothing if there is none.
std::optional<std::uint64_t> number_behind(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size(), nullptr, 10);
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t peak_resident_bytes() {
  // Not getrusage(): its peak includes that of the parent process.
  return 1024 * number_behind("/proc/self/status", "VmHWM:").value_or(0);
}

std::uint64_t available_bytes() {
  std::uint64_t available = std::numeric_limits<std::uint64_t>::max();
  if (const auto kilobytes = number_behind("/proc/meminfo", "MemAvailable:"))
    available = 1024 * (*kilobytes + number_behind("/proc/meminfo", "SwapFree:").value_or(0));
  // The limits of this process's control group and its parents: "max", or a number.
  std::ifstream own("/proc/self/cgroup");
  std::string path;
  for (std::string line; std::getline(own, line);) {
    if (line.starts_with("0::/")) path = line.substr(3);
  }
  for (; !path.empty(); path = path == "/" ? "" : std::max(path.substr(0, path.rfind('/')), std::string("/"))) {
    const std::string folder = "/sys/fs/cgroup" + path;
    std::uint64_t limit = 0;
    if (!(std::ifstream(folder + "/memory.max") >> limit)) continue;
    const std::uint64_t used = number_behind(folder + "/memory.stat", "anon ").value_or(0);
    available = std::min(available, limit - std::min(limit, used));
  }
  return available;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  char buffer[32];
  if (whole >= 3600) {
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld", whole / 60, whole % 60);
  }
  return buffer;
}

}  // namespace lethe
