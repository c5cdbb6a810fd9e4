#include "server/http_server.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/messages.h"
#include "core/seconds_since.h"
#include "core/small_letters.h"
#include "report/table.h"
#include "server/api_error.h"
#include "server/client_stream.h"
#include "server/connection_threads.h"
#include "server/doorkeeper.h"
#include "web/server_key.h"

namespace lethe {
namespace {

constexpr std::size_t kMostHeaderBytes = 32 << 10;
constexpr std::size_t kMostWaiting = 1024;      // connections whose headers have not come
constexpr std::size_t kLongestPath = 1024;      // cpp-httplib matches paths by a recursive regular expression
constexpr std::chrono::seconds kEnding{2};      // in which replies may go out when the server ends
constexpr int kBacklog = 512;                   // connections that the system keeps until they are accepted
constexpr std::size_t kOtherFiles = 200;        // that the process may have open: models, judges' connections
constexpr std::size_t kLargeBytes = 256 << 10;  // of a request or a reply, whose memory the allocator would keep

/// Takes the same time wherever the keys differ.
bool same_key(const std::string& given, const std::string& key) {
  volatile unsigned char differences = given.size() == key.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    differences = differences | static_cast<unsigned char>(given[i] ^ key[i % key.size()]);
  return differences == 0;
}

/// "[::1]:8000" as "::1".
std::string host_in(const std::string& header) {
  if (header.starts_with('[')) return header.substr(1, header.find(']') - 1);
  return header.substr(0, header.find(':'));
}

/// How many connections may wait besides those that are served: each is an open file of the process. Raises its limit
/// as far as the user may.
std::size_t places_to_wait(std::size_t served) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMostWaiting;
  const std::size_t wanted = served + kOtherFiles + kMostWaiting;
  if (limit.rlim_cur < wanted) {
    rlimit raised = limit;
    raised.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  const std::size_t free = limit.rlim_cur > served + kOtherFiles ? limit.rlim_cur - served - kOtherFiles : 0;
  return std::clamp<std::size_t>(free, 16, kMostWaiting);
}

/// cpp-httplib calls it with each connection that it accepted, which goes to the doorkeeper.
class NoThreads : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> task) override { task(); }
  void shutdown() override {}
};

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

/// @throws ApiError (400, 411) if it is not clear which host is meant, or where the body ends
void check_headers(const httplib::Request& request) {
  if (request.get_header_value_count("Host") > 1) throw ApiError(400, "the request has more than one Host header");
  if (request.method != "POST") return;
  const std::size_t lengths = request.get_header_value_count("Content-Length");
  if (request.has_header("Transfer-Encoding")) {
    if (lengths > 0 || small_letters(request.get_header_value("Transfer-Encoding")) != "chunked")
      throw ApiError(400, "a body is sent with a Content-Length, or with the Transfer-Encoding chunked alone");
    return;
  }
  if (lengths == 0) throw ApiError(411, "the request must say how long its body is, in the header Content-Length");
  if (lengths > 1 || !is_number(request.get_header_value("Content-Length")))
    throw ApiError(400, "Content-Length must be one whole number");
}

/// What is known of the request that a thread serves.
struct Current {
  ClientStream* client = nullptr;
  std::string method, path;
  int status = 0;
  std::size_t tokens = 0;
};
thread_local Current current;

}  // namespace

bool is_loopback_address(const std::string& host) {
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  in6_addr six{};
  return inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

class HttpServer::Implementation : public httplib::Server {
 public:
  Implementation(const Routes& routes, HttpServerOptions options) : routes_(routes), options_(std::move(options)) {
    if (options_.host == "localhost") options_.host = "127.0.0.1";
    check_options();
    new_task_queue = [] { return new NoThreads; };
    // Without SO_REUSEPORT, which would let a second server take half of the connections.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    set_tcp_nodelay(true);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& reply) {
      note(request);
      try {
        check_headers(request);
        if (request.method == "POST" && request.path.size() <= kLongestPath) return HandlerResponse::Unhandled;
        send(reply, answer_without_body(request));
      } catch (const ApiError& error) {
        send(reply, error.reply());
      }
      return HandlerResponse::Handled;
    });
    Post(R"([\s\S]*)", [this](const httplib::Request& request, httplib::Response& reply,
                              const httplib::ContentReader& content) { send(reply, answer(request, content)); });
    set_error_handler(HandlerWithResponse([](const httplib::Request&, httplib::Response& reply) {
      current.status = reply.status;
      if (!reply.body.empty() || reply.content_provider_) return HandlerResponse::Unhandled;
      reply.set_content(ApiError(reply.status, "the request is no HTTP that this server takes").body(),
                        "application/json");
      return HandlerResponse::Handled;
    }));
    set_exception_handler([](const httplib::Request&, httplib::Response& reply, const std::exception_ptr&) {
      reply.status = 500;
      reply.set_content(ApiError(500, "the server could not answer").body(), "application/json");
    });
    bind();
  }

  ~Implementation() override { end(); }

  int port() const { return port_; }
  std::string address() const {
    const bool six = options_.host.find(':') != std::string::npos;
    return "http://" + (six ? "[" + options_.host + "]" : options_.host) + ":" + std::to_string(port_);
  }

  void start() {
    threads_.emplace(options_.connections);
    door_.emplace(DoorkeeperOptions{.longest_head = options_.longest_head,
                                    .most_head_bytes = kMostHeaderBytes,
                                    .most_waiting = places_to_wait(options_.connections)},
                  [this](int socket) { let_in(socket); });
    thread_ = std::thread([this] { listen_after_bind(); });
    while (!is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // stop() needs it
  }

  void end() {
    if (thread_.joinable()) {
      stop();
      thread_.join();
      door_->stop();
      end_connections();
      threads_->shutdown();
    }
    if (const socket_t never_served = svr_sock_.exchange(INVALID_SOCKET); never_served != INVALID_SOCKET)
      ::close(never_served);
  }

 private:
  void check_options() const {
    in_addr four{};
    in6_addr six{};
    if (inet_pton(AF_INET, options_.host.c_str(), &four) != 1 && inet_pton(AF_INET6, options_.host.c_str(), &six) != 1)
      throw bad_usage("cannot use --host").wanted("an IP address of this machine").found(excerpt(options_.host));
    if (!options_.key.empty() && !is_plain_key(options_.key)) {
      throw bad_usage("cannot use the key of --key-env").wanted("printable ASCII without spaces").found("other bytes");
    }
    if (options_.key.empty() && !is_loopback_address(options_.host)) {
      throw bad_usage("cannot serve on " + options_.host + " without a key")
          .with("reason", "other machines reach this address")
          .hint("--key-env NAME, an environment variable that holds a key which clients send");
    }
  }

  void bind() {
    errno = 0;
    if (options_.port == 0) {
      port_ = bind_to_any_port(options_.host);
    } else {
      port_ = bind_to_port(options_.host, options_.port) ? options_.port : -1;
    }
    // Debian's library keeps 5 waiting connections; a second call raises that.
    if (port_ > 0 && ::listen(svr_sock_, kBacklog) == 0) return;
    throw bad_input("cannot serve on " + options_.host + ", port " + std::to_string(options_.port))
        .with("reason", errno != 0 ? std::strerror(errno) : "the address is not this machine's")
        .hint("--port 0 takes any free port");
  }

  /// Nothing more is read. Replies have a moment to go out; then no client can hold the server.
  void end_connections() {
    std::unique_lock lock(open_lock_);
    ending_ = true;
    for (const socket_t socket : open_) ::shutdown(socket, SHUT_RD);
    closed_.wait_for(lock, kEnding, [this] { return open_.empty(); });
    for (const socket_t socket : open_) ::shutdown(socket, SHUT_RDWR);
  }

  bool process_and_close_socket(socket_t socket) override {
    door_->add(socket);
    return true;
  }

  void let_in(socket_t socket) {
    try {
      threads_->enqueue([this, socket] { serve(socket); });
    } catch (const std::exception& error) {  // no thread could be made
      ::close(socket);
      warn("a connection failed: " + excerpt(error.what(), 300));
    }
  }

  void serve(socket_t socket) {
    const bool large = serve_request(socket);
#ifdef __GLIBC__
    if (large) malloc_trim(0);
#endif
  }

  /// @return whether request or reply was large
  bool serve_request(socket_t socket) {
    const auto start = std::chrono::steady_clock::now();
    ClientStream client(socket, {.most_bytes = options_.most_bytes + kMostHeaderBytes,
                                 .longest_upload = options_.longest_upload,
                                 .longest_unread = options_.longest_unread});
    const OpenSocket open(*this, socket);
    if (!open.served()) {
      ::shutdown(socket, SHUT_RDWR);
      return false;
    }
    current = {.client = &client};
    bool closed = false;
    process_request(client, /*close_connection=*/true, closed, nullptr);
    if (!current.method.empty()) log(seconds_since(start));
    current = {};
    return client.bytes() > kLargeBytes;
  }

  /// One line, without prompt and answer.
  void log(double seconds) {
    std::string line =
        excerpt(current.method, 10) + " " + excerpt(current.path, 100) + " " + std::to_string(current.status);
    if (current.tokens > 0) line += ", " + with_commas(current.tokens) + " tokens";
    const std::lock_guard lock(log_);
    say(line + ", " + fixed(seconds, 2) + " s");
  }

  static void note(const httplib::Request& request) {
    current.method = request.method;
    current.path = request.path;
  }

  WebRequest web_request(const httplib::Request& request) const {
    WebRequest found{.method = request.method == "HEAD" ? "GET" : request.method, .path = request.path};
    found.content_type = request.get_header_value("Content-Type");
    for (const auto& [key, value] : request.params) found.query.emplace(key, value);
    found.connected = [this, client = current.client] { return !ending_ && client->connected(); };
    // Before the reply any number of these may come, and each client that speaks HTTP/1.1 passes over them.
    if (request.version == "HTTP/1.1") {
      current.client->set_probe([client = current.client] {
        static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
        client->write(kGoOn.data(), kGoOn.size());
      });
    }
    return found;
  }

  /// @throws ApiError (401, 403) if this client may not ask
  void check_client(const httplib::Request& request, const WebRequest& web) const {
    if (!options_.key.empty()) {
      if (!routes_.needs_key(web)) return;
      const std::string given = request.get_header_value("Authorization");
      const bool bearer = small_letters(given.substr(0, 7)) == "bearer ";
      if (!bearer || !same_key(given.substr(7), options_.key))
        throw ApiError(401, "this server wants its key: Authorization: Bearer KEY", "", "invalid_api_key");
      return;
    }
    // A page of another origin can send requests here from a browser of this machine, also under a name of its own that
    // leads to 127.0.0.1.
    const std::string host = request.get_header_value("Host"), origin = request.get_header_value("Origin");
    const std::string name = host_in(host);
    if (!host.empty() && name != "localhost" && !is_loopback_address(name))
      throw ApiError(403, "this server answers only under the names of this machine");
    if (!origin.empty() && origin != "http://" + host) throw ApiError(403, "pages of other origins may not ask here");
  }

  WebReply answer_without_body(const httplib::Request& request) const {
    try {
      if (request.path.size() > kLongestPath) throw ApiError(414, "the path is too long");
      const WebRequest web = web_request(request);
      check_client(request, web);
      return routes_.answer(web);
    } catch (const ApiError& error) {
      return error.reply();
    }
  }

  WebReply answer(const httplib::Request& request, const httplib::ContentReader& content) const {
    try {
      WebRequest web = web_request(request);
      check_client(request, web);
      if (request.is_multipart_form_data()) throw ApiError(415, "the body must be JSON");
      const auto too_long = [&] {
        return ApiError(413, "the body has more than " + with_commas(options_.most_bytes) + " bytes");
      };
      if (request.get_header_value<std::uint64_t>("Content-Length") > options_.most_bytes) throw too_long();
      bool fits = true;
      const bool whole = content([&](const char* bytes, std::size_t size) {
        fits = web.body.size() + size <= options_.most_bytes;
        if (fits) web.body.append(bytes, size);
        return fits;
      });
      if (!fits) throw too_long();
      if (!whole) throw ApiError(400, "the body did not come whole, or in an encoding that is not known");
      return routes_.answer(web);
    } catch (const ApiError& error) {
      return error.reply();
    }
  }

  static void send(httplib::Response& out, WebReply reply) {
    current.status = out.status = reply.status;
    current.tokens = reply.tokens;
    for (const auto& [name, value] : reply.headers) out.set_header(name, value);
    if (!reply.headers.contains("X-Content-Type-Options")) out.set_header("X-Content-Type-Options", "nosniff");
    if (!reply.stream) {
      out.set_content(reply.body, reply.type);
      return;
    }
    out.set_chunked_content_provider(reply.type,
                                     [stream = std::move(reply.stream)](std::size_t, httplib::DataSink& sink) {
                                       const bool sent = send_stream(stream, sink);
                                       if (sent) sink.done();
                                       return sent;
                                     });
  }

  /// Sends server-sent events. @return whether the client took all of them
  static bool send_stream(const std::function<std::size_t(const WritePiece&)>& stream, const httplib::DataSink& sink) {
    bool open = true;
    const auto write = [&](std::string_view piece) {
      open = open && sink.write(piece.data(), piece.size());
      return open;
    };
    current.client->set_probe([&] { write(":\n\n"); });  // a comment, which clients pass over
    try {
      current.tokens = stream(write);
    } catch (const std::exception& error) {  // the library would let it pass
      warn("a reply failed: " + excerpt(error.what(), 300));
      open = false;
    }
    current.client->set_probe({});
    return open;
  }

  /// A socket among those that end_connections() shuts.
  class OpenSocket {
   public:
    OpenSocket(Implementation& server, socket_t socket) : server_(server), socket_(socket) {
      const std::lock_guard lock(server_.open_lock_);
      if (!server_.ending_) served_ = server_.open_.insert(socket_).second;
    }
    ~OpenSocket() {
      const std::lock_guard lock(server_.open_lock_);
      server_.open_.erase(socket_);
      server_.closed_.notify_all();
    }
    OpenSocket(const OpenSocket&) = delete;
    bool served() const { return served_; }

   private:
    Implementation& server_;
    const socket_t socket_;
    bool served_ = false;
  };

  const Routes& routes_;
  HttpServerOptions options_;
  int port_ = -1;
  std::mutex open_lock_;  // of open_, and of changing ending_
  std::set<socket_t> open_;
  std::atomic<bool> ending_{false};
  std::condition_variable closed_;
  std::mutex log_;
  std::optional<ConnectionThreads> threads_;
  std::optional<Doorkeeper> door_;  // ends before the threads
  std::thread thread_;
};

HttpServer::HttpServer(const Routes& routes, HttpServerOptions options)
    : implementation_(std::make_unique<Implementation>(routes, std::move(options))) {}

HttpServer::~HttpServer() = default;

int HttpServer::port() const {
  return implementation_->port();
}

std::string HttpServer::address() const {
  return implementation_->address();
}

void HttpServer::start() {
  implementation_->start();
}

void HttpServer::stop() {
  implementation_->end();
}

}  // namespace lethe
