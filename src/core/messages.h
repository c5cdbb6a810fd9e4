// Messages, warnings, progress and results of a job, sent to one observer. Without an observer nothing is printed; the
// command line sets the terminal (core/terminal.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace lethe {

/// An observer's display of one running piece of work. The destructor ends it.
class ProgressDisplay {
 public:
  virtual ~ProgressDisplay() = default;
  /// Called whenever work advances, which may be thousands of times a second.
  /// @param note  short extra text: loss terms, memory
  virtual void update(std::uint64_t done, const std::string& note) = 0;
};

/// Receives the reports of a job; ignores those it does not override. Texts may contain untrusted file content or model
/// answers: apply terminal_text() before printing them. Results are printed as they are. Jobs report from the thread
/// that runs them, and from destructors: a callback must not throw.
class Observer {
 public:
  virtual ~Observer() = default;
  /// One line, or several.
  virtual void message(const std::string& /*text*/) {}
  virtual void warning(const std::string& /*text*/) {}
  /// Why the work ended, or what remains of it.
  virtual void failure(const std::string& /*text*/) {}
  /// The final table of a job; ends in a line break.
  virtual void result(const std::string& /*text*/) {}
  /// The job wrote its output. By default a message: "wrote PATH" and `more`.
  /// @param path     a folder or a file
  /// @param more     what it holds, for a reader: ": results.json, report.html"; may be empty
  /// @param results  its figures as the text of one JSON object; empty: there are none
  virtual void wrote(const std::string& path, const std::string& more, const std::string& /*results*/) {
    message("wrote " + path + more);
  }
  /// A piece of work begins. @return its display; nullptr: none
  /// @param unit  what is counted, e.g. "steps", "rows", "bytes"
  virtual std::unique_ptr<ProgressDisplay> progress(const std::string& /*title*/, std::uint64_t /*total*/,
                                                    const std::string& /*unit*/) {
    return nullptr;
  }
};

/// Sends all further reports to `observer`, which must outlive them; nullptr: to nobody.
/// @return the previous observer
Observer* set_observer(Observer* observer);

/// One line, or several.
void say(const std::string& line);
void warn(const std::string& line);
void print_failure(const std::string& text);
void print_table(const std::string& text);
/// As Observer::wrote().
void say_wrote(const std::string& path, const std::string& more = "", const std::string& results = "");

/// Reports the progress of a piece of work. A long job also checks here for a stop request.
class Progress {
 public:
  /// @param unit  what is counted, e.g. "steps", "rows", "bytes"
  Progress(const std::string& title, std::uint64_t total, const std::string& unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// @throws Error (interrupted) if the user pressed Ctrl-C
  /// @param note  short extra text: loss terms, memory
  void update(std::uint64_t done, const std::string& note = "");
  /// Ends the work; called by the destructor.
  void finish();

 private:
  std::unique_ptr<ProgressDisplay> display_;
};

}  // namespace lethe
