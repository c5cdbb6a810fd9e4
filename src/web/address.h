// An http(s) address, and whether the connection to it is private.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace lethe {

struct WebAddress {
  std::string url;        ///< whole and normalised
  std::string path;       ///< "/v1"
  std::string host;       ///< for messages: "127.0.0.1:8000"
  bool secure = false;    ///< https
  bool loopback = false;  ///< this machine: 127.0.0.0/8, ::1, or localhost with its address pinned
  std::string resolve;    ///< for HttpOptions::resolve: pins localhost to this machine, whatever the resolver says

  /// Whether a secret may be sent there: nobody on the way can read it.
  bool is_private() const { return secure || loopback; }
};

/// Parses an address with libcurl, which also uses it, so that both interpret it equally
/// ("http://127.0.0.1@example.org" is example.org, "http://0x7f.1" is 127.0.0.1).
/// @param form    what is wanted, for messages: "http:// or https://, and a host"
/// @param refuse  throws an error with these two texts if it is not an http(s) address, or has a user name, a password
///                or a fragment. The second text never holds a password.
WebAddress read_web_address(const std::string& text, const std::string& form,
                            const std::function<void(const std::string& wanted, const std::string& found)>& refuse);

/// The address with another path, which is already percent-encoded; keeps a query.
WebAddress with_path(const WebAddress& address, const std::string& path);

/// The address whose path ends so, such as /chat/completions: it is added unless it is there. Keeps a query.
WebAddress with_ending(const WebAddress& address, std::string_view ending);

/// Whether two addresses have the same scheme, host and port, so that a secret for one may go to the other.
bool same_origin(const std::string& url, const std::string& other);

/// The text for a path or a query: all but letters, digits and -._~ become %XX. @param kept  characters also kept
std::string percent_encoded(std::string_view text, std::string_view kept = "");

}  // namespace lethe
