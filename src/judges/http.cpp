#include "judges/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "core/interrupt.h"

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

// One attempt at one body.
struct Transfer {
  std::size_t index = 0;
  int attempt = 0;
  std::size_t most_bytes = 0;
  std::string sent, body;
  bool too_large = false;
};

std::size_t keep(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  if (transfer.body.size() + bytes > transfer.most_bytes) {
    transfer.too_large = true;
    return 0;  // libcurl stops the transfer
  }
  transfer.body.append(data, bytes);
  return bytes;
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

  Transfers(const HttpOptions& given, std::size_t count, const HttpCalls& all) : options(given), calls(all) {
    start_library();
    multi = curl_multi_init();
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");  // no round trip before a long body
    if (!options.secret_header.empty()) headers = curl_slist_append(headers, options.secret_header.c_str());
    if (!options.resolve.empty()) pinned = curl_slist_append(pinned, options.resolve.c_str());
    if (multi == nullptr || headers == nullptr) throw Error("cannot start HTTP requests").found("no memory");
    for (std::size_t i = 0; i < count; ++i) waiting.push_back({Clock::now(), i, 0});
  }
  ~Transfers() {
    for (const auto& [easy, transfer] : active) {
      curl_multi_remove_handle(multi, easy);
      curl_easy_cleanup(easy);
    }
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    curl_slist_free_all(pinned);
  }
  Transfers(const Transfers&) = delete;

  void start_what_is_ready() {
    for (std::size_t i = 0; i < waiting.size() && active.size() < options.parallel;) {
      if (waiting[i].ready > Clock::now()) {
        ++i;
        continue;
      }
      start(waiting[i].index, waiting[i].attempt);
      waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void start(std::size_t index, int attempt) {
    CURL* easy = curl_easy_init();
    if (easy == nullptr) throw Error("cannot start an HTTP request").found("no memory");
    auto& transfer = active[easy] =
        std::make_unique<Transfer>(Transfer{index, attempt, options.most_bytes, calls.body(index), "", false});
    curl_easy_setopt(easy, CURLOPT_URL, options.url.c_str());
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
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout * 1000));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer->sent.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->sent.data());  // after its size: it may hold zeros
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
    curl_multi_add_handle(multi, easy);
  }

  HttpReply reply_of(CURL* easy, CURLcode code, Transfer& transfer) const {
    HttpReply reply;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    if (transfer.too_large) {
      reply.problem = "a reply of more than " + with_commas(options.most_bytes) + " bytes";
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
      reply.problem = "HTTP status " + std::to_string(status) + ", a redirect, which is not followed";
    } else {
      reply.may_pass = passes_by(status);
    }
    reply.body = std::move(transfer.body);
    reply.attempts_left = transfer.attempt < options.retries;
    return reply;
  }

  // Seconds before the next attempt.
  double pause_after(CURL* easy, const Transfer& transfer) const {
    double pause = options.first_wait;
    for (int i = 0; i < transfer.attempt && pause < options.longest_wait; ++i) pause *= 2;
    pause *= 1 + 0.05 * static_cast<double>(transfer.index % 8);  // not all at once
    curl_off_t asked = 0;
    if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &asked) == CURLE_OK && asked > 0)
      pause = std::max(pause, static_cast<double>(asked));
    return std::min(pause, options.longest_wait);
  }

  void collect() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      const std::unique_ptr<Transfer> transfer = std::move(active.at(easy));
      const HttpReply reply = reply_of(easy, code, *transfer);
      const double pause = pause_after(easy, *transfer);
      active.erase(easy);
      curl_multi_remove_handle(multi, easy);
      curl_easy_cleanup(easy);
      const HttpNext next = calls.read(transfer->index, reply);
      if (next == HttpNext::now) waiting.push_back({Clock::now(), transfer->index, transfer->attempt});
      if (next == HttpNext::later && reply.attempts_left)
        waiting.push_back({Clock::now() + seconds(pause), transfer->index, transfer->attempt + 1});
    }
  }

  const HttpOptions& options;
  const HttpCalls& calls;
  CURLM* multi = nullptr;
  curl_slist *headers = nullptr, *pinned = nullptr;
  std::vector<Waiting> waiting;
  std::map<CURL*, std::unique_ptr<Transfer>> active;
};

}  // namespace

HttpPool::HttpPool(HttpOptions options) : options_(std::move(options)) {
  if (options_.parallel == 0) options_.parallel = 1;
}

void HttpPool::post_all(std::size_t count, const HttpCalls& calls) {
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
