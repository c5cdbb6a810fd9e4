// Serves routes over HTTP, with limits against hostile and careless clients.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "server/routes.h"

namespace lethe {

struct HttpServerOptions {
  std::string host = "127.0.0.1";                 ///< an address of this machine
  int port = 8000;                                ///< 0: any that is free
  std::string key;                                ///< clients send it as "Authorization: Bearer KEY"; empty: none
  std::size_t most_bytes = std::size_t{8} << 20;  ///< of a body
  double longest_head = 10;                       ///< seconds until a request's headers are complete
  double longest_upload = 30;                     ///< seconds from then on until its body is
  double longest_unread = 10;                     ///< seconds until a client must take a piece of the reply
  std::size_t connections = 512;                  ///< served at the same time, each by a thread; more wait
};

/// Whether only programs of this machine reach a server on this address.
bool is_loopback_address(const std::string& host);

/// One request a connection. A connection whose headers have not come yet holds no thread. A server without a key
/// answers only requests that name this machine as their host, and none that a page of another origin sent: else any
/// page in a browser could reach it. One line a request is printed: method, path, status, tokens, seconds.
class HttpServer {
 public:
  /// Binds the port. @param routes  must outlive this
  /// @throws Error (usage) for an address that others reach without a key, Error (bad input) if it cannot be bound
  HttpServer(const Routes& routes, HttpServerOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;

  int port() const;
  /// "http://127.0.0.1:8000"
  std::string address() const;
  /// Serves on threads of its own until stop().
  void start();
  /// Takes no more connections, reads no more requests, and waits a moment for the replies that are being sent.
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace lethe
