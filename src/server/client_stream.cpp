#include "server/client_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace lethe {
namespace {

constexpr std::int64_t kLeastRate = 4;  // bytes a millisecond that a client must take, on average, beyond its wait
constexpr int kLingering = 1'000;       // milliseconds in which a client may still send what nobody reads

/// What has happened of these events, or as an error; 0: nothing. @param wait  milliseconds
short events_of(socket_t socket, short events, int wait) {
  pollfd one{socket, events, 0};
  int found = 0;
  do found = ::poll(&one, 1, wait);
  while (found < 0 && errno == EINTR);
  return found > 0 ? one.revents : static_cast<short>(0);
}

bool ready(socket_t socket, short events, std::int64_t wait) {
  return events_of(socket, events, static_cast<int>(wait)) != 0;
}

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

void name_of(int (*name)(int, sockaddr*, socklen_t*), socket_t socket, std::string& ip, int& port) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (name(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(&address);
    inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
    port = ntohs(four->sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&address);
    inet_ntop(AF_INET6, &six->sin6_addr, text.data(), text.size());
    port = ntohs(six->sin6_port);
  }
  ip = text.data();
}

}  // namespace

ClientStream::ClientStream(socket_t socket, const ClientLimits& limits)
    : socket_(socket),
      left_(limits.most_bytes),
      until_(std::chrono::steady_clock::now() + milliseconds_of(limits.longest_upload)),
      longest_unread_(milliseconds_of(limits.longest_unread).count()) {}

// A close with unread bytes resets the connection, and the client could lose the reply (a 413 while it still sends).
ClientStream::~ClientStream() {
  ::shutdown(socket_, SHUT_WR);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kLingering);
  std::array<char, 16384> ignored;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !ready(socket_, POLLIN, left.count())) break;
    if (::recv(socket_, ignored.data(), ignored.size(), 0) <= 0) break;
  }
  ::close(socket_);
}

bool ClientStream::is_readable() const {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(until_ - std::chrono::steady_clock::now()).count();
  return left > 0 && ready(socket_, POLLIN, left);
}

bool ClientStream::is_writable() const {
  return !gone();  // write() waits
}

bool ClientStream::gone() const {
  return (events_of(socket_, 0, 0) & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

bool ClientStream::connected() {
  if (!ready(socket_, POLLRDHUP, 0)) return true;  // also while bytes lie unread
  if (!probe_ || gone()) return false;
  if (!std::exchange(probed_, true)) probe_();
  return true;
}

ssize_t ClientStream::read(char* bytes, std::size_t size) {
  if (buffered_ == buffer_.size()) {
    if (left_ == 0 || !is_readable()) return -1;
    buffer_.resize(std::min<std::size_t>(left_, 16384));
    const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    buffer_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    buffered_ = 0;
    left_ -= buffer_.size();
    read_ += buffer_.size();
    if (got <= 0) return got;
  }
  const std::size_t count = std::min(size, buffer_.size() - buffered_);
  std::memcpy(bytes, buffer_.data() + buffered_, count);
  buffered_ += count;
  if (in_head_) drop_range(bytes, count);
  return static_cast<ssize_t>(count);
}

void ClientStream::drop_range(char* bytes, std::size_t count) {
  static constexpr std::string_view kName = "range";
  for (char* byte = bytes; byte != bytes + count && in_head_; ++byte) {
    if (*byte == '\n') {
      in_head_ = line_ != 1 || last_ != '\r';
      line_ = named_ = 0;
    } else {
      if (line_ == named_ && named_ < kName.size() && (*byte | 0x20) == kName[named_]) ++named_;
      ++line_;
      if (named_ == kName.size() && line_ == named_) *byte = 'x';
    }
    last_ = *byte;
  }
}

ssize_t ClientStream::write(const char* bytes, std::size_t size) {
  const std::int64_t left = longest_unread_ + written_ / kLeastRate - waited_.count();
  const auto start = std::chrono::steady_clock::now();
  if (left <= 0 || !ready(socket_, POLLOUT, std::min(left, longest_unread_))) return -1;
  waited_ += std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  const ssize_t sent = ::send(socket_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) written_ += sent;
  return sent;
}

void ClientStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  name_of(::getpeername, socket_, ip, port);
}

void ClientStream::get_local_ip_and_port(std::string& ip, int& port) const {
  name_of(::getsockname, socket_, ip, port);
}

}  // namespace lethe
