#include "web/address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

#include <memory>

#include "core/error.h"
#include "core/small_letters.h"

namespace lethe {
namespace {

struct UrlCleanup {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlCleanup>;

Url new_url() {
  Url url(curl_url());
  if (!url) throw Error("cannot take an address apart").found("no memory");
  return url;
}

// A part as libcurl would use it; empty if there is none.
std::string part(const Url& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK || text == nullptr) return "";
  const std::string result = text;
  curl_free(text);
  return result;
}

void set(const Url& url, CURLUPart which, const std::string& text) {
  if (curl_url_set(url.get(), which, text.c_str(), 0) != CURLUE_OK) throw Error("cannot put an address together");
}

bool is_loopback(const std::string& host) {
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  if (!host.starts_with('[')) return false;
  in6_addr six{};
  if (inet_pton(AF_INET6, host.substr(1, host.find_first_of("]%") - 1).c_str(), &six) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

}  // namespace

WebAddress read_web_address(const std::string& text, const std::string& form,
                            const std::function<void(const std::string& wanted, const std::string& found)>& refuse) {
  const Url url = new_url();
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER);
  // Does not print the address if it may hold a password.
  if (code == CURLUE_USER_NOT_ALLOWED || (code != CURLUE_OK && text.find('@') != std::string::npos))
    refuse("an address without a name and a password", "an '@' in it");
  if (code != CURLUE_OK) refuse(form, text + " (" + curl_url_strerror(code) + ")");
  const std::string scheme = part(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") refuse(form, text);
  if (!part(url, CURLUPART_FRAGMENT).empty()) refuse("an address without a fragment", "a '#' in it");

  std::string host = part(url, CURLUPART_HOST);
  const std::string port = part(url, CURLUPART_PORT);
  WebAddress address;
  if (strcasecmp(host.c_str(), "localhost") == 0 || strcasecmp(host.c_str(), "localhost.") == 0) {
    host = "localhost";
    set(url, CURLUPART_HOST, host);
    address.resolve = host + ":" + part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT) + ":127.0.0.1,[::1]";
  }
  address.secure = scheme == "https";
  address.loopback = !address.resolve.empty() || is_loopback(host);
  address.host = host + (port.empty() ? "" : ":" + port);
  address.path = part(url, CURLUPART_PATH);
  address.url = part(url, CURLUPART_URL);
  return address;
}

WebAddress with_path(const WebAddress& address, const std::string& path) {
  const Url url = new_url();
  set(url, CURLUPART_URL, address.url);
  set(url, CURLUPART_PATH, path);
  WebAddress changed = address;
  changed.path = path;
  changed.url = part(url, CURLUPART_URL);
  return changed;
}

WebAddress with_ending(const WebAddress& address, std::string_view ending) {
  std::string path = address.path;
  while (path.ends_with('/')) path.pop_back();
  if (!path.ends_with(ending)) path += ending;
  return with_path(address, path);
}

bool same_origin(const std::string& url, const std::string& other) {
  const auto origin = [](const std::string& text) -> std::string {
    const Url parsed = new_url();
    if (curl_url_set(parsed.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK) return "";
    return part(parsed, CURLUPART_SCHEME) + "://" + small_letters(part(parsed, CURLUPART_HOST)) + ":" +
           part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  };
  const std::string first = origin(url);
  return !first.empty() && first == origin(other);
}

std::string percent_encoded(std::string_view text, std::string_view kept) {
  constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (small_letter(c) >= 'a' && small_letter(c) <= 'z') ||
                       kPlain.find(c) != std::string_view::npos || kept.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += "0123456789ABCDEF"[byte >> 4];
    out += "0123456789ABCDEF"[byte & 15];
  }
  return out;
}

}  // namespace lethe
