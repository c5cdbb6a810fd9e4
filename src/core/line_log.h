// A file that grows a line at a time while others read it: the metrics of a run.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace lethe {

/// Appends lines to a file, which it creates if needed. append() passes each whole line to the system before it
/// returns.
///
/// A full disk does not end a training run: unwritten lines wait in memory, one warning says so, and the next append()
/// tries again.
class LineLog {
 public:
  /// @throws Error naming the path and the system's reason
  explicit LineLog(std::filesystem::path path);
  /// Tries once more to write the waiting lines. A warning reports the bytes lost.
  ~LineLog();
  LineLog(const LineLog&) = delete;
  LineLog& operator=(const LineLog&) = delete;

  /// @param line  without its end
  /// @throws Error naming the path and the system's reason if more than 64 MiB wait
  void append(std::string_view line);
  /// The same for a record of a binary format, to which nothing is added. @throws Error as append()
  void append_bytes(std::string_view bytes);

  static constexpr std::size_t most_waiting = std::size_t{64} << 20;  ///< bytes

 private:
  /// Writes the waiting lines. @return 0, or errno
  int write_waiting();

  std::filesystem::path path_;
  std::string waiting_;
  int descriptor_ = -1;
  bool warned_ = false;
};

}  // namespace lethe
