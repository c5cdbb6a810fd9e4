// A request and its reply, without the details of HTTP.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace lethe {

struct WebRequest {
  std::string method, path;  ///< "GET", "/v1/models": without the query, percent signs decoded
  std::map<std::string, std::string> query;
  std::string body;
  std::string content_type;  ///< of the body, as the client calls it: "application/json"
  /// Whether the client still waits for the reply. A handler that takes long asks it, and gives up if not.
  std::function<bool()> connected = [] { return true; };
};

/// Sends a piece of a streamed body at once. @return false: the client is gone, give up
using WritePiece = std::function<bool(std::string_view)>;

struct WebReply {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  std::map<std::string, std::string> headers;
  std::size_t tokens = 0;  ///< of the answers, for the log
  /// In place of `body`, server-sent events: called once, on the request's thread, after status and headers are sent.
  /// @return tokens of the answers, for the log
  std::function<std::size_t(const WritePiece&)> stream;
};

/// Called on a thread of the request; several run at the same time. May throw: see Routes::answer().
using WebHandler = std::function<WebReply(const WebRequest&)>;

}  // namespace lethe
