#include "web/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/small_letters.h"

namespace lethe {
namespace {

using Clock = std::chrono::steady_clock;

Clock::duration seconds(double count) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
}

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) throw Error("cannot start the HTTP library (libcurl)");
  });
}

// The file of trusted certificates, empty for libcurl's own choice. A libcurl that was built on another distribution
// looks in a place that may not exist here.
std::string certificate_file() {
  if (const char* given = std::getenv("SSL_CERT_FILE"); given != nullptr && *given != '\0') return given;
  for (const char* usual : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                            "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    std::error_code none;
    if (std::filesystem::exists(usual, none)) return usual;
  }
  return "";
}

// One attempt at one request.
struct Transfer {
  CURL* easy = nullptr;
  std::size_t index = 0;
  int attempt = 0;
  std::size_t most_bytes = 0;
  HttpRequest sent;
  std::string body;
  std::optional<std::uint64_t> at;  // place of the next received piece
  std::size_t uploaded = 0;         // bytes of a PUT
  bool too_large = false, wrong_range = false;
  std::exception_ptr thrown;  // by `receive` or `sent`; exceptions must not pass through libcurl
};

std::string header_of(CURL* easy, const char* name) {
  curl_header* header = nullptr;
  const bool found = curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
  return found ? header->value : "";
}

// Where the body of a successful reply begins; nothing if a partial reply is not the part that was asked for.
std::optional<std::uint64_t> beginning(const Transfer& transfer, long status) {
  if (status != 206) return 0;
  const std::string range = small_letters(header_of(transfer.easy, "Content-Range"));
  if (range.starts_with("bytes " + std::to_string(transfer.sent.from) + "-")) return transfer.sent.from;
  return std::nullopt;
}

std::size_t keep(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  long status = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.sent.receive && (status == 200 || status == 206)) {
    if (!transfer.at) transfer.at = beginning(transfer, status);
    if (!transfer.at) {
      transfer.wrong_range = true;
      return 0;  // libcurl stops the transfer
    }
    try {
      transfer.sent.receive(*transfer.at, {data, bytes});
    } catch (...) {
      transfer.thrown = std::current_exception();
      return 0;
    }
    *transfer.at += bytes;
    return bytes;
  }
  if (transfer.body.size() + bytes > transfer.most_bytes) {
    transfer.too_large = true;
    return 0;
  }
  transfer.body.append(data, bytes);
  return bytes;
}

// Gives libcurl the next bytes of a PUT.
std::size_t give(char* buffer, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const HttpUpload& body = *transfer.sent.put;
  const std::size_t bytes = body.bytes.copy(buffer, size * count, transfer.uploaded);
  transfer.uploaded += bytes;
  try {
    if (body.sent) body.sent(transfer.uploaded);
  } catch (...) {
    transfer.thrown = std::current_exception();
    return CURL_READFUNC_ABORT;
  }
  return bytes;
}

// libcurl sends a body again from its beginning if it finds that a kept connection was closed.
int go_back(void* user, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (origin != SEEK_SET || offset < 0 || static_cast<std::size_t>(offset) > transfer.sent.put->bytes.size())
    return CURL_SEEKFUNC_FAIL;
  transfer.uploaded = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

bool passes_by(long status) {
  return status == 408 || status == 409 || status == 425 || status == 429 || (status >= 500 && status <= 599);
}

// The requests of one call and their handles; always cleaned up.
struct Transfers {
  struct Waiting {
    Clock::time_point ready;
    std::size_t index;
    int attempt;
  };
  struct Active {
    std::unique_ptr<Transfer> transfer;
    curl_slist* headers = nullptr;
  };

  Transfers(const HttpOptions& given, std::size_t count, const HttpCalls& all) : options(given), calls(all) {
    start_library();
    multi = curl_multi_init();
    if (!options.resolve.empty()) pinned = curl_slist_append(pinned, options.resolve.c_str());
    if (multi == nullptr) throw Error("cannot start HTTP requests").found("no memory");
    for (std::size_t i = 0; i < count; ++i) waiting.push_back({Clock::now(), i, 0});
  }
  ~Transfers() {
    while (!active.empty()) close(active.begin()->first);
    curl_multi_cleanup(multi);
    curl_slist_free_all(pinned);
  }
  Transfers(const Transfers&) = delete;

  void close(CURL* easy) {
    const auto found = active.find(easy);
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_slist_free_all(found->second.headers);
    active.erase(found);
  }

  void start_what_is_ready() {
    for (std::size_t i = 0; i < waiting.size() && active.size() < options.parallel;) {
      if (waiting[i].ready > Clock::now()) {
        ++i;
        continue;
      }
      const Waiting next = waiting[i];
      waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
      start(next.index, next.attempt);
    }
  }

  void start(std::size_t index, int attempt) {
    HttpRequest request = calls.request(index);
    CURL* easy = curl_easy_init();
    if (easy == nullptr) throw Error("cannot start an HTTP request").found("no memory");
    Active& place = active[easy];
    place.transfer = std::make_unique<Transfer>();
    Transfer& transfer = *place.transfer;
    transfer.easy = easy;
    transfer.index = index;
    transfer.attempt = attempt;
    transfer.most_bytes = options.most_bytes;
    transfer.sent = std::move(request);
    const HttpRequest& sent = transfer.sent;
    for (const std::string& header : sent.headers) place.headers = curl_slist_append(place.headers, header.c_str());
    const bool typed = std::any_of(sent.headers.begin(), sent.headers.end(),
                                   [](const std::string& header) { return header.starts_with("Content-Type:"); });
    if (sent.json && !typed) place.headers = curl_slist_append(place.headers, "Content-Type: application/json");
    place.headers = curl_slist_append(place.headers, "Expect:");  // no round trip before a long body
    if (!sent.secret_header.empty()) place.headers = curl_slist_append(place.headers, sent.secret_header.c_str());

    curl_easy_setopt(easy, CURLOPT_URL, sent.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    if (options.direct) {
      curl_easy_setopt(easy, CURLOPT_PROXY, "");  // also ignores http_proxy, https_proxy, all_proxy
      curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    }
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));  // not to a proxy
    if (pinned != nullptr) curl_easy_setopt(easy, CURLOPT_RESOLVE, pinned);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!certificates.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, certificates.c_str());
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "lethe/" LETHE_VERSION);
    if (options.timeout == 0) curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 30'000L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout * 1000));
    if (options.silence > 0) {
      curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
      curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.silence));
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, place.headers);
    if (sent.put) {
      curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(sent.put->bytes.size()));
      curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
      curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
      curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, go_back);
      curl_easy_setopt(easy, CURLOPT_SEEKDATA, &transfer);
      curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    } else if (sent.json) {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(sent.json->size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, sent.json->data());  // after its size: it may hold zeros
    } else if (sent.from > 0) {
      curl_easy_setopt(easy, CURLOPT_RANGE, (std::to_string(sent.from) + "-").c_str());
    }
    if (sent.receive) curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_multi_add_handle(multi, easy);
  }

  HttpReply reply_of(CURLcode code, Transfer& transfer) const {
    HttpReply reply;
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    curl_header* header = nullptr;
    while ((header = curl_easy_nextheader(transfer.easy, CURLH_HEADER, -1, header)) != nullptr)
      reply.headers[small_letters(header->name)] = header->value;
    reply.too_large = transfer.too_large;
    if (transfer.too_large) {
      reply.problem = "a reply of more than " + with_commas(options.most_bytes) + " bytes";
    } else if (transfer.wrong_range) {
      reply.problem = "another part of the file than the one asked for";
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
      reply.problem = "no whole reply in time";
      reply.may_pass = true;
    } else if (code != CURLE_OK) {
      reply.problem = curl_easy_strerror(code);
      // A retry does not fix a wrong address or certificate.
      reply.may_pass = code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_COULDNT_RESOLVE_HOST &&
                       code != CURLE_URL_MALFORMAT && code != CURLE_UNSUPPORTED_PROTOCOL &&
                       code != CURLE_SSL_CACERT_BADFILE;
    } else if (status >= 300 && status < 400) {
      const char* target = nullptr;
      curl_easy_getinfo(transfer.easy, CURLINFO_REDIRECT_URL, &target);
      if (target != nullptr) reply.redirect = target;
      reply.problem = "HTTP status " + std::to_string(status) + ", a redirect, which is not followed";
    } else {
      reply.may_pass = passes_by(status);
    }
    reply.body = std::move(transfer.body);
    reply.attempts_left = transfer.attempt < options.retries;
    return reply;
  }

  // Seconds before the next attempt.
  double pause_after(const Transfer& transfer) const {
    double pause = options.first_wait;
    for (int i = 0; i < transfer.attempt && pause < options.longest_wait; ++i) pause *= 2;
    pause *= 1 + 0.05 * static_cast<double>(transfer.index % 8);  // not all at once
    curl_off_t asked = 0;
    if (curl_easy_getinfo(transfer.easy, CURLINFO_RETRY_AFTER, &asked) == CURLE_OK && asked > 0)
      pause = std::max(pause, static_cast<double>(asked));
    return std::min(pause, options.longest_wait);
  }

  void collect() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      Transfer& transfer = *active.at(easy).transfer;
      const std::exception_ptr thrown = transfer.thrown;
      const std::size_t index = transfer.index;
      const int attempt = transfer.attempt;
      const HttpReply reply = reply_of(code, transfer);
      const double pause = pause_after(transfer);
      close(easy);
      if (thrown) std::rethrow_exception(thrown);
      const HttpNext next = calls.read(index, reply);
      if (next == HttpNext::now) waiting.push_back({Clock::now(), index, attempt});
      if (next == HttpNext::later && reply.attempts_left)
        waiting.push_back({Clock::now() + seconds(pause), index, attempt + 1});
    }
  }

  const HttpOptions& options;
  const HttpCalls& calls;
  const std::string certificates = certificate_file();
  CURLM* multi = nullptr;
  curl_slist* pinned = nullptr;
  std::vector<Waiting> waiting;
  std::map<CURL*, Active> active;
};

}  // namespace

HttpPool::HttpPool(HttpOptions options) : options_(std::move(options)) {
  if (options_.parallel == 0) options_.parallel = 1;
}

void HttpPool::send_all(std::size_t count, const HttpCalls& calls) {
  Transfers transfers(options_, count, calls);
  while (!transfers.waiting.empty() || !transfers.active.empty()) {
    stop_if_interrupted();
    transfers.start_what_is_ready();
    int running = 0;
    curl_multi_perform(transfers.multi, &running);
    transfers.collect();
    if (!transfers.waiting.empty() || !transfers.active.empty())
      curl_multi_poll(transfers.multi, nullptr, 0, 50, nullptr);  // short, to check Ctrl-C and waiting requests
  }
}

}  // namespace lethe
