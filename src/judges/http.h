// Many HTTP requests at once, with bounds on everything that another machine could do to us.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace lethe {

struct HttpOptions {
  std::string url;
  std::string secret_header;  ///< "Authorization: Bearer …": sent, and never told to anybody; empty: none
  bool direct = true;         ///< no proxy, whatever the environment says
  std::string resolve;        ///< "host:port:address,address" in place of a look-up; empty: none
  std::size_t parallel = 8;   ///< requests under way
  double timeout = 60;        ///< seconds, a request
  int retries = 4;            ///< after the first attempt
  double first_wait = 1;      ///< seconds before the first retry, doubled at each further one
  double longest_wait = 60;   ///< seconds, also where Retry-After asks for more
  std::size_t most_bytes = std::size_t{1} << 20;  ///< of a reply
};

/// What came of one attempt.
struct HttpReply {
  int status = 0;             ///< 0: none came
  std::string body;           ///< whole, if there is no problem
  std::string problem;        ///< why there is no whole reply, or where it would have led; empty: read status and body
  bool may_pass = false;      ///< a timeout, a lost connection, 408, 409, 425, 429, 5xx: a later attempt may succeed
  bool attempts_left = true;  ///< whether another one is allowed
};

/// What to do after an attempt: `later` waits as the options and Retry-After say, and is an attempt more; `now` is
/// another try with another body, and the caller sees to it that there are few.
enum class HttpNext { finished, later, now };

struct HttpCalls {
  /// JSON of request i, made for each attempt.
  std::function<std::string(std::size_t)> body;
  /// Called after each attempt, in the order in which they end; may throw to stop all others. `later` counts as
  /// `finished` where no attempts are left.
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
