// What the server answers to which path (server/http_server.h speaks HTTP).
#pragma once

#include <map>
#include <string>

#include "server/web_request.h"

namespace lethe {

/// Who may ask, where the server wants a key.
enum class WebAccess {
  with_key,
  open,  ///< anybody: a page without secrets, which asks for the key itself
};

class Routes {
 public:
  /// @param path  "/v1/models", or with a slash at the end all paths below: "/v1/models/"
  void get(const std::string& path, WebHandler handler, WebAccess access = WebAccess::with_key);
  void post(const std::string& path, WebHandler handler, WebAccess access = WebAccess::with_key);

  /// Whether the request needs the key. A path that is not known does.
  bool needs_key(const WebRequest& request) const;
  /// Calls the handler. Never throws: an ApiError becomes its reply, another Error one with 400 (bad input) or 500, an
  /// unknown path one with 404, another method one with 405 (server/api_error.h).
  WebReply answer(const WebRequest& request) const;

 private:
  struct Entry {
    WebHandler handler;
    WebAccess access;
  };
  const std::map<std::string, Entry>* methods_of(const std::string& path) const;
  std::map<std::string, std::map<std::string, Entry>> by_path_;  // path, method
};

}  // namespace lethe
