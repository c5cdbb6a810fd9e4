// A file that grows a line at a time while others read it: the metrics of a run.
#pragma once

#include <filesystem>
#include <string_view>

namespace lethe {

/// Appends to a file, which is made if it is not there. Each line is handed to the system whole before append()
/// returns.
class LineLog {
 public:
  /// @throws Error naming the path and the system's reason
  explicit LineLog(std::filesystem::path path);
  ~LineLog();
  LineLog(const LineLog&) = delete;
  LineLog& operator=(const LineLog&) = delete;

  /// @param line  without its end
  /// @throws Error naming the path and the system's reason (disk full, …)
  void append(std::string_view line);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace lethe
