// Shared by tests of the server's HTTP: a server with a few routes, and clients that send any bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/json.h"
#include "core/messages.h"
#include "server/http_server.h"

namespace lethe {
using namespace std::chrono_literals;

/// One connection to 127.0.0.1.
class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { close(); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  bool send(const std::string& bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  /// Nothing more will be sent; the reply can still be read.
  void end_sending() const { ::shutdown(socket_, SHUT_WR); }
  /// All that comes until the server closes, or until this text.
  std::string read(const std::string& until = "\1") const {
    std::string text;
    char buffer[4096];
    std::size_t searched = 0;
    while (text.find(until, searched) == std::string::npos) {
      searched = text.size() < until.size() ? 0 : text.size() - until.size();
      const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  int socket_;
};

class Log : public Observer {
 public:
  void message(const std::string& text) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(text);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class Http : public testing::Test {
 protected:
  Http() {
    before_ = set_observer(&log_);
    routes_.get(
        "/open", [](const WebRequest&) { return WebReply{.body = "{}"}; }, WebAccess::open);
    routes_.get("/closed", [](const WebRequest& request) { return WebReply{.body = dump_json(Json(request.query))}; });
    routes_.post("/echo", [](const WebRequest& request) {
      return WebReply{.body = dump_json(Json{{"bytes", request.body.size()}}), .tokens = 3};
    });
    routes_.post("/fails", [](const WebRequest&) -> WebReply { throw std::runtime_error("a secret of the inside"); });
    routes_.post("/stream", [this](const WebRequest&) {
      WebReply reply{.type = "text/event-stream"};
      reply.stream = [this](const WritePiece& write) {
        std::size_t sent = 0;
        while (sent < 1000 && write("data: x\n\n")) {
          ++sent;
          std::this_thread::sleep_for(5ms);
        }
        left_ = sent < 1000;
        return sent;
      };
      return reply;
    });
    routes_.post("/breaks", [](const WebRequest&) {
      WebReply reply{.type = "text/event-stream"};
      reply.stream = [](const WritePiece& write) -> std::size_t {
        write("data: x\n\n");
        throw std::runtime_error("in the middle");
      };
      return reply;
    });
    routes_.post("/slow", [](const WebRequest& request) {
      for (int i = 0; i < 60; ++i) {
        if (!request.connected()) return WebReply{.status = 499};
        std::this_thread::sleep_for(5ms);
      }
      return WebReply{.body = "{\"slow\":true}"};
    });
    routes_.post("/large", [this](const WebRequest&) {
      WebReply reply{.type = "text/event-stream"};
      reply.stream = [this](const WritePiece& write) {
        const std::string piece(1 << 20, 'x');
        std::size_t sent = 0;
        while (sent < 64 && write(piece)) ++sent;
        left_ = sent < 64;
        return sent;
      };
      return reply;
    });
    routes_.post("/wait", [this](const WebRequest& request) {
      while (request.connected()) std::this_thread::sleep_for(5ms);
      left_ = true;
      return WebReply{};
    });
  }
  ~Http() override {
    server_.reset();
    set_observer(before_);
  }
  int start(HttpServerOptions options = {}) {
    options.port = 0;
    server_ = std::make_unique<HttpServer>(routes_, options);
    server_->start();
    return server_->port();
  }
  std::string reply(const std::string& request) const {
    const Client client(server_->port());
    client.send(request);
    return client.read();
  }
  static std::string post(const std::string& path, const std::string& body, const std::string& headers = "") {
    return "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string get(const std::string& path, const std::string& headers = "Host: localhost:8000\r\n") {
    return "GET " + path + " HTTP/1.1\r\n" + headers + "\r\n";
  }
  static int status_of(std::string reply) {
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    if (reply.starts_with(go_on)) reply.erase(0, go_on.size());
    return reply.size() < 12 ? 0 : std::atoi(reply.c_str() + 9);
  }
  static bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 400 && !condition(); ++i) std::this_thread::sleep_for(10ms);
    return condition();
  }

  Routes routes_;
  Log log_;
  Observer* before_ = nullptr;
  std::atomic<bool> left_{false};
  std::unique_ptr<HttpServer> server_;
};

}  // namespace lethe
