#include "server/doorkeeper.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "server/api_error.h"

namespace lethe {
namespace {

constexpr int kLook = 200;  // milliseconds between two looks for those that are late

void refuse(int socket, int status, const std::string& reason, const std::string& message) {
  const std::string body = ApiError(status, message).body();
  const std::string reply =
      "HTTP/1.1 " + std::to_string(status) + " " + reason +
      "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  (void)!::send(socket, reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(socket, SHUT_WR);
  std::array<char, 4096> ignored;  // a close with unread bytes would reset the connection, and lose the reply
  for (int i = 0; i < 64 && ::recv(socket, ignored.data(), ignored.size(), MSG_DONTWAIT) > 0; ++i) {
  }
  ::close(socket);
}

/// The bytes that have come, which stay there for whoever reads next. @return how many, or an error as recv()
ssize_t peek(int socket, std::vector<char>& into) {
  ssize_t count = 0;
  do count = ::recv(socket, into.data(), into.size(), MSG_PEEK | MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  return count;
}

}  // namespace

Doorkeeper::Doorkeeper(const DoorkeeperOptions& options, std::function<void(int)> let_in)
    : options_(options), let_in_(std::move(let_in)), events_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!events_) throw Error("cannot serve").with("reason", "the system watches no more connections (epoll)");
  thread_ = std::thread([this] { work(); });
}

Doorkeeper::~Doorkeeper() {
  stop();
}

void Doorkeeper::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  for (const Waiting& one : std::exchange(waiting_, {})) ::close(one.socket);
}

void Doorkeeper::add(int socket) {
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    ::close(socket);
    return;
  }
  if (waiting_.size() >= options_.most_waiting) {  // the slowest of them, most likely
    ::close(waiting_.front().socket);              // epoll forgets it
    waiting_.pop_front();
  }
  const auto longest = std::chrono::milliseconds(static_cast<std::int64_t>(options_.longest_head * 1000));
  waiting_.push_back({socket, std::chrono::steady_clock::now() + longest});
  // Edges: an event for each arrival of bytes, those that are there already included.
  epoll_event wanted{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.fd = socket}};
  if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, socket, &wanted) == 0) return;
  waiting_.pop_back();
  ::close(socket);
}

/// Takes a connection from those that wait. @return false: it is none of them any more
bool Doorkeeper::take(int socket) {
  const auto found =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& one) { return one.socket == socket; });
  if (found == waiting_.end()) return false;
  waiting_.erase(found);
  ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, socket, nullptr);
  return true;
}

void Doorkeeper::look_at(int socket, bool ended) {
  std::unique_lock lock(mutex_);
  const auto waits = [&](const Waiting& one) { return one.socket == socket; };
  if (std::none_of(waiting_.begin(), waiting_.end(), waits)) return;
  std::vector<char> bytes(options_.most_head_bytes + 1);
  const ssize_t count = peek(socket, bytes);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (count <= 0) {
    take(socket);
    ::close(socket);
    return;
  }
  const std::string_view head(bytes.data(), static_cast<std::size_t>(count));
  const bool whole = head.find("\n\r\n") != std::string_view::npos || head.starts_with("\r\n");
  const bool too_long = head.size() > options_.most_head_bytes;
  if (!whole && !too_long && !ended) return;
  take(socket);
  lock.unlock();
  if (whole || !too_long) {
    let_in_(socket);
  } else {
    refuse(socket, 431, "Request Header Fields Too Large",
           "the headers have more than " + with_commas(options_.most_head_bytes) + " bytes");
  }
}

void Doorkeeper::refuse_late_ones() {
  std::vector<int> late;
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    while (!waiting_.empty() && waiting_.front().until <= now) {
      late.push_back(waiting_.front().socket);
      take(waiting_.front().socket);
    }
  }
  std::vector<char> first(1);
  for (const int socket : late) {
    if (peek(socket, first) > 0) {
      refuse(socket, 408, "Request Timeout", "the request's headers did not come in time");
    } else {  // a spare connection of a browser
      ::close(socket);
    }
  }
}

void Doorkeeper::work() {
  std::array<epoll_event, 64> events;
  while (!stopping_) {
    const int count = ::epoll_wait(events_.get(), events.data(), static_cast<int>(events.size()), kLook);
    for (int i = 0; i < count; ++i)
      look_at(events[static_cast<std::size_t>(i)].data.fd,
              (events[static_cast<std::size_t>(i)].events & EPOLLRDHUP) != 0);
    refuse_late_ones();
  }
}

}  // namespace lethe
