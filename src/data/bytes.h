// Reads the bytes of a data file, plain or gzip, with bounded memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/rows.h"

namespace lethe {

/// A buffered reader. It decompresses gzip (whatever the file's name) and skips a UTF-8 byte order mark. Lines end in
/// LF, CRLF or CR.
class ByteSource {
 public:
  /// @throws Error (bad input) if the file cannot be read, is UTF-16, or is not text (foreign_files.h)
  ByteSource(const std::filesystem::path& path, const ReadOptions& options);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// The next byte, or -1 at the end. @throws Error (bad input) if the gzip data are corrupt, truncated or a bomb
  int get() {
    if (at_ == end_ && !fill()) return -1;
    const unsigned char byte = buffer_[at_++];
    if (byte == '\n' || (byte == '\r' && peek() != '\n')) ++line_;
    return byte;
  }
  int peek() { return at_ == end_ && !fill() ? -1 : buffer_[at_]; }

  /// The buffered bytes not read yet. Before the first read: the beginning of the file (256 KiB at most).
  std::string_view ahead() const { return {reinterpret_cast<const char*>(buffer_.data()) + at_, end_ - at_}; }

  /// Reads the rest of the line without its line ending. False at the end of the file.
  /// A line longer than `limit` bytes is cut there, and `cut` is set.
  bool read_line(std::string& text, std::size_t limit, bool& cut);

  /// The line number of the next byte, from 1.
  std::uint64_t line() const { return line_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  bool fill();

  struct Close {
    void operator()(void* file) const;
  };
  std::filesystem::path path_;
  ReadOptions options_;
  std::unique_ptr<void, Close> file_;
  std::vector<unsigned char> buffer_;
  std::size_t at_ = 0, end_ = 0;
  std::uint64_t total_ = 0, line_ = 1;
};

}  // namespace lethe
