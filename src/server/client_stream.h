// A client's connection with limits that cpp-httplib does not have: bytes and seconds of a whole request.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace lethe {

struct ClientLimits {
  std::size_t most_bytes = 0;  ///< of request line, headers and body together
  double longest_upload = 30;  ///< seconds until all of them are there
  double longest_unread = 10;  ///< seconds until the client must take a piece of the reply
};

/// Reads at most `most_bytes` within `longest_upload` seconds; then reading fails.
/// cpp-httplib 0.11.4 itself bounds neither the headers nor a body in chunks, and each byte renews its time limit.
/// A "Range" among the headers gets another name: the library would send each of any number of ranges of a reply, and
/// search the header by a recursive regular expression. A client that takes the reply too slowly loses it.
class ClientStream : public httplib::Stream {
 public:
  /// @param socket  closed by the destructor, after the client has had time to read the reply
  ClientStream(socket_t socket, const ClientLimits& limits);
  ~ClientStream() override;
  ClientStream(const ClientStream&) = delete;

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* bytes, std::size_t size) override;
  ssize_t write(const char* bytes, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

  /// Whether the client may still read. One that has ended what it sends may have left, or wait for the reply: only
  /// bytes that are sent to it tell, since a client that has left answers them with an error. Then `probe` is called,
  /// once; without one such a client has left.
  bool connected();
  void set_probe(std::function<void()> probe) { probe_ = std::move(probe); }
  /// Bytes of request and reply so far.
  std::size_t bytes() const { return read_ + static_cast<std::size_t>(written_); }

 private:
  void drop_range(char* bytes, std::size_t count);
  bool gone() const;
  socket_t socket_;
  std::size_t left_, read_ = 0;
  std::chrono::steady_clock::time_point until_;
  std::int64_t longest_unread_;  // milliseconds
  std::string buffer_;           // read ahead: cpp-httplib reads headers byte by byte
  std::size_t buffered_ = 0;     // bytes of it that were passed on
  bool in_head_ = true;          // of the request: its lines up to an empty one
  std::size_t line_ = 0;         // bytes of the line so far
  std::size_t named_ = 0;        // those of them that are the beginning of "range"
  char last_ = 0;
  std::chrono::milliseconds waited_{0};  // for the client to take the reply
  std::int64_t written_ = 0;             // bytes
  std::function<void()> probe_;
  bool probed_ = false;
};

}  // namespace lethe
