// A client's connection with limits that cpp-httplib does not have: bytes and seconds of a whole request.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace lethe {

/// Reads at most `most_bytes` (request line, headers and body together) within `longest` seconds; then reading fails.
/// cpp-httplib 0.11.4 itself bounds neither the headers nor a body in chunks, and each byte renews its time limit.
/// A "Range" among the headers gets another name: the library would send each of any number of ranges of a reply, and
/// search the header by a recursive regular expression. A client that takes the reply too slowly loses it.
class ClientStream : public httplib::Stream {
 public:
  /// @param socket  closed by the destructor, after the client has had time to read the reply
  ClientStream(socket_t socket, std::size_t most_bytes, double longest);
  ~ClientStream() override;
  ClientStream(const ClientStream&) = delete;

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* bytes, std::size_t size) override;
  ssize_t write(const char* bytes, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

  /// Whether the client has not closed its end.
  bool connected() const;

 private:
  void drop_range(char* bytes, std::size_t count);
  socket_t socket_;
  std::size_t left_;
  std::chrono::steady_clock::time_point until_;
  std::string buffer_;        // read ahead: cpp-httplib reads headers byte by byte
  std::size_t buffered_ = 0;  // bytes of it that were passed on
  bool in_head_ = true;       // of the request: its lines up to an empty one
  std::size_t line_ = 0;      // bytes of the line so far
  std::size_t named_ = 0;     // those of them that are the beginning of "range"
  char last_ = 0;
  std::chrono::milliseconds waited_{0};  // for the client to take the reply
  std::int64_t written_ = 0;             // bytes
};

}  // namespace lethe
