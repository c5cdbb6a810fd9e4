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
#include <mutex>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/json_log.h"
#include "core/plain_text.h"
#include "core/progress_clock.h"
#include "core/utc_time.h"

namespace lethe {
namespace {

TerminalOptions current_options;
std::mutex screen_lock;  // of what is written and bar_on_screen: threads of `lethe serve` write at the same time
bool bar_on_screen = false;

/// The caller holds screen_lock.
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

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A terminal that can redraw a line.
bool is_live() {
  return ::isatty(STDERR_FILENO) != 0 && environment("TERM") != "dumb";
}

// no-color.org: any text in NO_COLOR turns colors off.
bool shows_colors() {
  return is_live() && environment("NO_COLOR").empty();
}

class ProgressBar : public ProgressDisplay {
 public:
  ProgressBar(std::string title, std::uint64_t total, std::string unit)
      : title_(std::move(title)), unit_(std::move(unit)), total_(total) {}
  ~ProgressBar() override {
    const std::lock_guard lock(screen_lock);
    erase_bar();
  }

  void update(std::uint64_t done, const std::string& note) override {
    using namespace std::chrono_literals;
    const bool live = is_live();
    if (!clock_.due(done, total_, live ? 100ms : 5000ms)) return;
    const std::string line = one_line(text(done, note, clock_.rate(done), live));
    const std::lock_guard lock(screen_lock);
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
  ProgressClock clock_;
};

class Terminal : public Observer {
 public:
  void message(const std::string& text) override {
    if (!current_options.quiet) print("", "", text);
  }
  void warning(const std::string& text) override { print("\033[33m", "warning:", text); }
  void failure(const std::string& text) override { print("\033[1;31m", "lethe:", text); }
  void result(const std::string& text) override {
    const std::lock_guard lock(screen_lock);
    erase_bar();
    std::cout << text << std::flush;
  }
  std::unique_ptr<ProgressDisplay> progress(const std::string& title, std::uint64_t total,
                                            const std::string& unit) override {
    if (current_options.quiet) return nullptr;
    return std::make_unique<ProgressBar>(title, total, unit);
  }

 private:
  // @param color  an escape sequence, for the label
  static void print(const char* color, const std::string& label, const std::string& text) {
    const std::lock_guard lock(screen_lock);
    erase_bar();
    std::string line = label.empty() ? "" : shows_colors() ? color + label + "\033[0m " : label + " ";
    line += terminal_text(text) + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
};

}  // namespace

void configure_terminal(const TerminalOptions& options) {
  static Terminal terminal;
  static JsonLog log;
  current_options = options;
  log.quiet = options.quiet;
  set_observer(options.json_log ? static_cast<Observer*>(&log) : &terminal);
}

TerminalOptions terminal_options() {
  return current_options;
}

void print_out_of_memory() {
  if (current_options.json_log) {
    std::fprintf(stderr, "{\"time\":\"%s\",\"event\":\"error\",\"text\":\"%s\",\"details\":[[\"try\",\"%s\"]]}\n",
                 utc_time_characters().data(), kOutOfMemory, kOutOfMemoryHint);
  } else {
    std::fprintf(stderr, "lethe: %s\n  try  %s\n", kOutOfMemory, kOutOfMemoryHint);
  }
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
