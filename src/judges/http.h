// Many HTTP requests at once, with bounds on everything that another machine could do to us.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace lethe {

struct HttpOptions {
  std::string url;
  std::string bearer;        ///< sent as "Authorization: Bearer …"; empty: none. Never told to anybody
  std::size_t parallel = 8;  ///< requests under way
  double timeout = 60;       ///< seconds, a request
  int retries = 4;           ///< after the first attempt
  double first_wait = 1;     ///< seconds before the first retry, doubled at each further one
  double longest_wait = 60;  ///< seconds, also where Retry-After asks for more
  std::size_t most_bytes = std::size_t{1} << 20;  ///< of a reply
};

struct HttpReply {
  int status = 0;       ///< of the last attempt; 0: none came
  std::string body;     ///< whole, if there is no problem
  std::string problem;  ///< why there is no usable reply; empty: status 200 and a body
};

/// Posts JSON to one address. Timeouts, lost connections, half bodies, 408, 429 and 5xx are tried again, waiting as
/// Retry-After says; redirects are not followed; certificates are checked.
class HttpPool {
 public:
  explicit HttpPool(HttpOptions options);

  /// @param done  called once for each body, in the order in which they end; may throw to stop all others
  /// @throws Error (interrupted) after Ctrl-C
  void post_all(std::span<const std::string> bodies, const std::function<void(std::size_t, const HttpReply&)>& done);

 private:
  HttpOptions options_;
};

}  // namespace lethe
