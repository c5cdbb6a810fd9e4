// The three standard streams: all open, and no result lost on the way to standard output.
#pragma once

#include <array>
#include <streambuf>
#include <string_view>

namespace lethe {

/// Opens /dev/null in the place of standard streams that are closed: otherwise the next file gets descriptor 2, and
/// messages are written into it. A pipe whose reader is gone no longer ends the program (SIGPIPE). Called first of all.
void open_standard_streams();

/// Stands behind std::cout while it lives, and remembers why a write failed.
class StandardOutput : private std::streambuf {
 public:
  StandardOutput();
  ~StandardOutput() override;
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  /// Writes what is left. @throws Error naming the reason if anything that was printed could not be written. A reader
  /// that closed its end early wanted no more: that is no error.
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
