// Sends many HTTP requests in parallel, with limits against hostile servers.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace lethe {

struct HttpOptions {
  std::string url;
  std::string secret_header;  ///< "Authorization: Bearer …": sent, but never printed or logged; empty: none
  bool direct = true;         ///< ignore the environment's proxies
  std::string resolve;        ///< "host:port:address,address" instead of a DNS look-up; empty: none
  std::size_t parallel = 8;   ///< requests in flight
  double timeout = 60;        ///< seconds per request
  int retries = 4;            ///< after the first attempt
  double first_wait = 1;      ///< seconds before the first retry, doubled for each further one
  double longest_wait = 60;   ///< seconds, even if Retry-After asks for more
  std::size_t most_bytes = std::size_t{1} << 20;  ///< of a reply
};

/// The result of one attempt.
struct HttpReply {
  int status = 0;             ///< 0: no reply
  std::string body;           ///< whole, if there is no problem
  std::string problem;        ///< why there is no complete reply, or a redirect's target; empty: read status and body
  bool may_pass = false;      ///< a timeout, a lost connection, 408, 409, 425, 429, 5xx: a later attempt may succeed
  bool attempts_left = true;  ///< whether another one is allowed
};

/// What to do after an attempt. `later`: wait as the options and Retry-After say, then use another attempt. `now`:
/// retry at once with another body; the caller limits how often.
enum class HttpNext { finished, later, now };

struct HttpCalls {
  /// JSON of request i, made for each attempt.
  std::function<std::string(std::size_t)> body;
  /// Called after each attempt, in the order in which they end; may throw to stop all others. Without attempts left,
  /// `later` means `finished`.
  std::function<HttpNext(std::size_t, const HttpReply&)> read;
};

/// Posts JSON to one address. Redirects are not followed; certificates are checked.
class HttpPool {
 public:
  explicit HttpPool(HttpOptions options);

  /// Posts `count` requests. @throws Error (interrupted) after Ctrl-C
  void post_all(std::size_t count, const HttpCalls& calls);

 private:
  HttpOptions options_;
};

}  // namespace lethe
