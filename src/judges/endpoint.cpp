#include "judges/endpoint.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "core/error.h"
#include "core/files.h"
#include "judges/http.h"
#include "judges/verdict_cache.h"
#include "judges/verdict_protocol.h"

namespace lethe {
namespace {

struct EndpointOptions {
  std::string name, model, instructions;
  double temperature = 0, most_failures = 0.2;
  std::int64_t max_tokens = 300;
  HttpOptions http;
};

// "127.0.0.1:8000" of "http://127.0.0.1:8000/v1"
std::string host_of(const std::string& url) {
  const std::size_t begin = url.find("://") + 3;
  return url.substr(begin, url.find_first_of("/?#", begin) - begin);
}

bool is_this_machine(const std::string& host) {
  const std::string name = host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':'));
  return name == "localhost" || name == "[::1]" || name.starts_with("127.");
}

std::string key_of(JudgeFile& file) {
  const std::string variable = file.text("key_env", ""), path = file.text("key_file", "");
  if (variable.empty() && path.empty()) return "";
  std::string key;
  if (!variable.empty()) {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0')
      file.refuse("key_env", "the name of an environment variable that holds the key", variable + ", which is not set");
    key = value;
  } else {
    key = read_file(path);
  }
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' ')) key.pop_back();
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (key.empty() || !plain) {  // never shown
    file.refuse(variable.empty() ? "key_file" : "key_env", "a key of one line of printable characters",
                key.empty() ? "nothing" : "other characters in it");
  }
  return key;
}

std::string replaced(std::string text, const std::string& part, const std::string& by) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + by.size()))
    text.replace(at, part.size(), by);
  return text;
}

// What a server said, fit for an error or a file: it may repeat the key it was given, as it is or as JSON may write it.
std::string without_key(const std::string& text, const std::string& key) {
  if (key.empty()) return text;
  const std::string quoted = dump_json(Json(key)), escaped = quoted.substr(1, quoted.size() - 2);
  std::string out = text;
  for (const std::string& form : {replaced(escaped, "/", "\\/"), escaped, key}) out = replaced(out, form, "***");
  return out;
}

class EndpointJudge : public Judge {
 public:
  EndpointJudge(EndpointOptions options, VerdictCache cache) : options_(std::move(options)), cache_(std::move(cache)) {}

  std::vector<Verdict> judge(std::span<const Exchange> exchanges, const JudgeProgress& progress) const override;
  std::string name() const override { return options_.name; }
  std::string describe() const override { return "model " + options_.model + " at " + host_of(options_.http.url); }

 private:
  // What a verdict depends on, the texts included; the marks are drawn anew each time and change nothing.
  Json asked(const Exchange& exchange) const {
    return {{"url", options_.http.url},
            {"model", options_.model},
            {"protocol", kProtocolVersion},
            {"instructions", options_.instructions},
            {"temperature", options_.temperature},
            {"max_tokens", options_.max_tokens},
            {"prompt", exchange.prompt},
            {"response", exchange.response}};
  }
  std::string body(const Exchange& exchange, const RequestMarks& marks) const {
    return dump_json(Json{{"model", options_.model},
                          {"messages", judge_messages(exchange, options_.instructions, marks)},
                          {"temperature", options_.temperature},
                          {"max_tokens", options_.max_tokens}});
  }
  Error failure(const std::string& doing, const HttpReply& reply) const {
    Error error(doing);
    error.with("judge", options_.name).with("model", options_.model).found(reply.problem);
    const std::string said = without_key(reply.body, options_.http.bearer);
    if (reply.status != 0 && !said.empty()) error.with("it says", excerpt(said, 300));
    return error;
  }

  EndpointOptions options_;
  VerdictCache cache_;
};

std::vector<Verdict> EndpointJudge::judge(std::span<const Exchange> exchanges, const JudgeProgress& progress) const {
  std::vector<Verdict> verdicts(exchanges.size());
  // Equal exchanges are asked once.
  struct Request {
    Json asked;
    RequestMarks marks;
    std::vector<std::size_t> places;
  };
  std::vector<Request> requests;
  std::vector<std::string> bodies;
  std::map<std::string, std::size_t> known;
  std::size_t judged = 0;
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    Json question = asked(exchanges[i]);
    if (const auto found = cache_.find(question)) {
      verdicts[i] = *found;
      ++judged;
      continue;
    }
    const auto [place, fresh] = known.emplace(dump_json(question), requests.size());
    if (fresh) {
      const RequestMarks marks = RequestMarks::draw(exchanges[i]);
      bodies.push_back(body(exchanges[i], marks));
      requests.push_back({std::move(question), marks, {}});
    }
    requests[place->second].places.push_back(i);
  }
  if (progress) progress(judged);

  std::size_t failed = 0;
  const auto allowed =
      std::max<std::size_t>(5, static_cast<std::size_t>(options_.most_failures * static_cast<double>(requests.size())));
  HttpPool pool(options_.http);
  pool.post_all(bodies, [&](std::size_t number, const HttpReply& reply) {
    const Request& request = requests[number];
    Verdict verdict;
    if (reply.problem.empty()) {
      verdict = read_completion(reply.body, request.marks);
      verdict.reason = without_key(verdict.reason, options_.http.bearer);  // it goes into files
      cache_.keep(request.asked, verdict);
    } else {
      if (reply.status == 401 || reply.status == 403 || reply.status == 404)
        throw failure("the judge's address refuses us", reply).hint("url, model and key of the judge's file");
      ++failed;
      if (failed > allowed || (failed == requests.size() && judged == 0)) {
        throw failure("too many of the judge's requests failed", reply)
            .with("failed", std::to_string(failed) + " of " + std::to_string(requests.size()))
            .hint(cache_.folder().empty() ? "again later" : "again later; the verdicts so far are kept");
      }
      verdict.reason = reply.problem;
    }
    for (const std::size_t place : request.places) verdicts[place] = verdict;
    judged += request.places.size();
    if (progress) progress(judged);
  });
  return verdicts;
}

}  // namespace

std::unique_ptr<Judge> endpoint_judge(JudgeFile& file, const JudgeSettings&) {
  EndpointOptions options;
  options.name = file.text("name", std::filesystem::path(file.path()).stem().string());
  options.model = file.text("model");
  options.instructions = file.text("instructions", kDefaultInstructions);
  options.temperature = file.number("temperature", 0, 0, 2);
  options.max_tokens = file.count("max_tokens", 300, 1, 100'000);
  options.most_failures = file.number("most_failures", 0.2, 0, 1);
  options.http.parallel = static_cast<std::size_t>(file.count("parallel", 8, 1, 256));
  options.http.timeout = file.number("timeout", 60, 0.01, 3600);
  options.http.retries = static_cast<int>(file.count("retries", 4, 0, 20));
  options.http.first_wait = file.number("first_wait", 1, 0, 3600);
  options.http.longest_wait = file.number("longest_wait", 60, 0, 3600);
  options.http.most_bytes = static_cast<std::size_t>(file.count("most_bytes", 1 << 20, 1, 1 << 30));
  if (file.has("key")) {  // whatever it holds is not repeated
    file.refuse("key", "key_env: the name of an environment variable, or key_file: a path", "a key in the open");
  }
  options.http.bearer = key_of(file);
  std::string url = file.text("url");
  const std::string cache = file.text("cache", VerdictCache::default_folder().string());
  file.refuse_others();
  while (url.ends_with('/')) url.pop_back();
  if (!url.starts_with("http://") && !url.starts_with("https://")) file.refuse("url", "http:// or https://", url);
  const std::string host = host_of(url);
  if (host.find('@') != std::string::npos)
    file.refuse("url", "an address without a name and a password", "an '@' in it");
  if (!options.http.bearer.empty() && url.starts_with("http://") && !is_this_machine(host))
    file.refuse("url", "https://, so that the key cannot be read on the way", host);
  options.http.url = url.ends_with("/chat/completions") ? url : url + "/chat/completions";
  return std::make_unique<EndpointJudge>(std::move(options), VerdictCache(cache == "none" ? "" : cache));
}

}  // namespace lethe
