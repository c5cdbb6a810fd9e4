// Sends many HTTP requests in parallel, with limits against hostile servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lethe {

struct HttpOptions {
  bool direct = true;                             ///< ignore the environment's proxies
  std::string resolve;                            ///< "host:port:address,address" instead of a DNS look-up; empty: none
  std::size_t parallel = 8;                       ///< requests in flight
  double timeout = 60;                            ///< seconds per request; 0: no limit
  double silence = 0;                             ///< seconds without a byte after which a request fails; 0: no limit
  int retries = 4;                                ///< after the first attempt
  double first_wait = 1;                          ///< seconds before the first retry, doubled for each further one
  double longest_wait = 60;                       ///< seconds, even if Retry-After asks for more
  std::size_t most_bytes = std::size_t{1} << 20;  ///< of a reply that is kept in memory
};

/// The body of a PUT.
struct HttpUpload {
  std::string_view bytes;                        ///< must outlive the request
  std::function<void(std::uint64_t sent)> sent;  ///< takes the number of bytes so far; may throw, which ends all
};

struct HttpRequest {
  std::string url;
  std::string secret_header;           ///< "Authorization: Bearer …": sent, but never printed or logged; empty: none
  std::optional<std::string> json;     ///< posted; none: GET
  std::vector<std::string> headers{};  ///< further ones; a Content-Type replaces application/json
  std::optional<HttpUpload> put{};     ///< instead of a POST or a GET
  std::uint64_t from = 0;              ///< GET: asks for the bytes from here on (Range)
  /// Takes the body of a successful reply (200, 206) in pieces, with the place of each in the resource: the first is at
  /// `from`, or at 0 if the server ignored `from`. HttpReply::body stays empty. May throw, which ends all requests.
  std::function<void(std::uint64_t at, std::string_view bytes)> receive;
};

/// The result of one attempt.
struct HttpReply {
  int status = 0;                              ///< 0: no reply
  std::string body;                            ///< whole, if there is no problem
  std::map<std::string, std::string> headers;  ///< names in small letters
  std::string redirect;                        ///< where a redirect (3xx) leads, absolute; it is not followed
  std::string problem;                         ///< why there is no complete reply; empty: read status and body
  bool too_large = false;                      ///< more than HttpOptions::most_bytes: `problem` says so
  bool may_pass = false;      ///< a timeout, a lost connection, 408, 409, 425, 429, 5xx: a later attempt may succeed
  bool attempts_left = true;  ///< whether another one is allowed

  /// The value of a header (small letters), or an empty text.
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

/// What to do after an attempt. `later`: wait as the options and Retry-After say, then use another attempt. `now`:
/// retry at once with another request; the caller limits how often.
enum class HttpNext { finished, later, now };

struct HttpCalls {
  /// Request i, made for each attempt.
  std::function<HttpRequest(std::size_t)> request;
  /// Called after each attempt, in the order in which they end; may throw to stop all others. Without attempts left,
  /// `later` means `finished`.
  std::function<HttpNext(std::size_t, const HttpReply&)> read;
};

/// Redirects are not followed; certificates are checked, against the file in SSL_CERT_FILE or the system's.
class HttpPool {
 public:
  explicit HttpPool(HttpOptions options);

  /// Sends `count` requests. @throws Error (interrupted) after Ctrl-C
  void send_all(std::size_t count, const HttpCalls& calls);

 private:
  HttpOptions options_;
};

}  // namespace lethe
