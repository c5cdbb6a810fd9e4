// What the user watches: log lines and a progress bar on stderr, so that stdout stays for results.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lethe {

/// Terminal-wide switches, set once by the command line. --quiet leaves only errors.
struct TerminalOptions {
  bool quiet = false;
};
void configure_terminal(const TerminalOptions& options);

// Everything below reaches the terminal through terminal_text(): a path, a name from a file or a server's words may
// hold whatever they like, and drive nothing.

/// One line on stderr (not with --quiet), or several.
void say(const std::string& line);
/// A warning: "warning: …", also with --quiet.
void warn(const std::string& line);
/// Why the program ends: "lethe: …", also with --quiet.
void print_failure(const std::string& text);

/// A progress bar with rate and ETA: redrawn in place on a terminal, a plain line every few seconds elsewhere, nothing
/// with --quiet. Nothing at all is shown for what ends within a second.
class Progress {
 public:
  /// @param unit  what is counted, e.g. "steps", "rows", "bytes" (bytes are shown as MB)
  Progress(std::string title, std::uint64_t total, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;

  /// @throws Error (interrupted) if the user pressed Ctrl-C
  /// @param note  short extra text behind the rate: loss terms, memory
  void update(std::uint64_t done, const std::string& note = "");
  /// Erases the bar; called by the destructor.
  void finish();

 private:
  std::string title_, unit_;
  std::uint64_t total_;
  std::chrono::steady_clock::time_point start_, last_;
  bool drawn_ = false, finished_ = false;
};

/// Resident memory of this process now / at its peak, bytes.
std::uint64_t resident_bytes();
std::uint64_t peak_resident_bytes();
/// What this process may still take before the system ends one: memory and swap that are free or can be freed, within
/// the limit of its control group, bytes.
std::uint64_t available_bytes();

/// 75 s -> "1:15", 3700 s -> "1:01:40"
std::string duration_text(double seconds);

}  // namespace lethe
