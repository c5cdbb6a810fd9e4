// Keeps the three standard streams open, and reports lost standard output.
#pragma once

#include <array>
#include <streambuf>
#include <string_view>

namespace lethe {

/// Opens /dev/null for closed standard streams: otherwise the next file gets descriptor 2, and messages are written
/// into it. Also ignores SIGPIPE, so a pipe without a reader does not end the program. Call it first.
void open_standard_streams();

/// The buffer of std::cout during its lifetime. It remembers why a write failed.
class StandardOutput : private std::streambuf {
 public:
  StandardOutput();
  ~StandardOutput() override;
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  /// Flushes. @throws Error naming the reason if a write failed. It is not an error if a reader closes the pipe early.
  void finish();

 private:
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int_type overflow(int_type character) override;
  int sync() override;

  std::streambuf* before_;
  std::array<char, 1 << 16> buffer_;
  int failed_ = 0;  // errno of the first write that failed
  bool live_;       // a terminal: each line is shown when it ends
};

/// Prints a result that the user asked for. @throws Error if standard output is closed or cannot be written
void print_result(std::string_view text);

}  // namespace lethe
