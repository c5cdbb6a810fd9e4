// --json-log: the reports of a job as one JSON object a line, for programs that watch it.
#pragma once

#include <memory>
#include <string>

#include "core/messages.h"

namespace lethe {

/// Writes each report to stderr as a line of ASCII with "time" (UTC) and "event" (docs/reference/commands.md). Standard
/// output holds what it holds without the log. Texts are not yet escaped by terminal_text(): a program that prints them
/// must do that.
class JsonLog : public Observer {
 public:
  bool quiet = false;  ///< leaves out messages and progress

  void message(const std::string& text) override;
  void warning(const std::string& text) override;
  void failure(const std::string& text) override;
  void result(const std::string& text) override;
  void wrote(const std::string& path, const std::string& more, const std::string& results) override;
  /// Work that ends within a second has no event. Longer work has one every five seconds, and a last one.
  std::unique_ptr<ProgressDisplay> progress(const std::string& title, std::uint64_t total,
                                            const std::string& unit) override;
  /// The program ends with this exit status after so many seconds: always the last event.
  static void end(int status, double seconds);
};

}  // namespace lethe
