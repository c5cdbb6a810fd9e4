#include "judges/judge_address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

#include <memory>
#include <string_view>

#include "core/error.h"

namespace lethe {
namespace {

struct UrlCleanup {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlCleanup>;

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

JudgeAddress read_address(const JudgeFile& file, const std::string& given) {
  constexpr const char* kWanted = "http:// or https://, a host, and a path up to /v1";
  const Url url(curl_url());
  if (!url) throw Error("cannot take an address apart").found("no memory");
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, given.c_str(), CURLU_DISALLOW_USER);
  // Does not print the address if it may hold a password.
  if (code == CURLUE_USER_NOT_ALLOWED || (code != CURLUE_OK && given.find('@') != std::string::npos))
    file.refuse("url", "an address without a name and a password", "an '@' in it");
  if (code != CURLUE_OK) file.refuse("url", kWanted, given + " (" + curl_url_strerror(code) + ")");
  const std::string scheme = part(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") file.refuse("url", kWanted, given);
  if (!part(url, CURLUPART_FRAGMENT).empty()) file.refuse("url", "an address without a fragment", "a '#' in it");

  std::string host = part(url, CURLUPART_HOST);
  const std::string port = part(url, CURLUPART_PORT);
  JudgeAddress address;
  if (strcasecmp(host.c_str(), "localhost") == 0 || strcasecmp(host.c_str(), "localhost.") == 0) {
    host = "localhost";
    set(url, CURLUPART_HOST, host);
    address.resolve = host + ":" + part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT) + ":127.0.0.1,[::1]";
  }
  address.secure = scheme == "https";
  address.loopback = !address.resolve.empty() || is_loopback(host);
  address.host = host + (port.empty() ? "" : ":" + port);
  constexpr std::string_view kEnding = "/chat/completions";
  std::string path = part(url, CURLUPART_PATH);
  while (path.ends_with('/')) path.pop_back();
  if (!path.ends_with(kEnding)) path += kEnding;
  set(url, CURLUPART_PATH, path);
  address.url = part(url, CURLUPART_URL);
  return address;
}

}  // namespace lethe
