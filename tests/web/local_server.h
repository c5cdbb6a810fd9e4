// A small HTTP server on 127.0.0.1 with answers that the test sets, mostly faulty ones.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lethe {

struct ServedReply {
  std::string bytes;  ///< as they go over the wire; empty: the connection is closed without a word
  double wait = 0;    ///< seconds before them
};

class LocalServer {
 public:
  /// @param answer  given the whole request and its number, from 0; called from several threads, one at a time
  explicit LocalServer(std::function<ServedReply(const std::string&, int)> answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 64);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~LocalServer() {
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    close(listener_);
    acceptor_.join();
    for (std::thread& worker : workers_) worker.join();
  }
  /// Without a path: "http://127.0.0.1:PORT".
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  int requests() const { return requests_; }

 private:
  void accept_all() {
    while (!stopping_) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      workers_.emplace_back([this, connection] { serve(connection); });
    }
  }
  void serve(int connection) {
    std::string request;
    char buffer[4096];
    std::size_t wanted = std::string::npos;
    while (request.size() < wanted) {
      const ssize_t count = recv(connection, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      request.append(buffer, static_cast<std::size_t>(count));
      const std::size_t head = request.find("\r\n\r\n"), length = request.find("Content-Length: ");
      if (head == std::string::npos) continue;
      wanted = head + 4 + (length < head ? std::stoul(request.substr(length + 16)) : 0);  // CONNECT has no body
    }
    ServedReply reply;
    {
      const std::lock_guard lock(mutex_);
      reply = answer_(request, requests_++);
    }
    for (double waited = 0; waited < reply.wait && !stopping_; waited += 0.01)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    for (std::size_t sent = 0; sent < reply.bytes.size();) {
      const ssize_t count = send(connection, reply.bytes.data() + sent, reply.bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    shutdown(connection, SHUT_RDWR);
    close(connection);
  }

  std::function<ServedReply(const std::string&, int)> answer_;
  std::mutex mutex_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0};
  int listener_ = -1, port_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> workers_;
};

}  // namespace lethe
