#include "judges/endpoint.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "core/trimmed.h"
#include "core/utf8.h"
#include "judges/completion.h"
#include "judges/guard_words.h"
#include "judges/judge_address.h"
#include "judges/request_wording.h"
#include "judges/verdict_cache.h"
#include "judges/verdict_protocol.h"
#include "web/http.h"
#include "web/server_key.h"

namespace lethe {
namespace {

struct EndpointOptions {
  std::string name, model, instructions, url, host, key;
  std::string secret_header;  // holds the key; empty: none
  double most_failures = 0.2;
  Rubric rubric;                    // empty: the model states the harm itself
  std::optional<GuardWords> guard;  // a guard model: it gets the exchange alone and answers in its own words
  RequestWording wording;
  HttpOptions http;
};

std::string key_of(JudgeFile& file) {
  const std::string variable = file.text("key_env", ""), path = file.text("key_file", "");
  if (variable.empty() && path.empty()) return "";
  const std::string key = variable.empty() ? std::string(trimmed(read_file(path))) : key_in_variable(variable);
  if (!variable.empty() && key.empty())
    file.refuse("key_env", "the name of an environment variable that holds the key", unset_variable(variable));
  if (!is_plain_key(key)) {  // never shown
    file.refuse(variable.empty() ? "key_file" : "key_env", "a key of one line of printable characters",
                key.empty() ? "nothing" : "other characters in it");
  }
  return key;
}

std::string checked_header(const JudgeFile& file, const std::string& header, const std::string& key) {
  const bool plain = std::all_of(header.begin(), header.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (header.empty() || !plain) file.refuse("key_header", "the name of a header: Authorization, api-key", header);
  return secret_header(header, key);
}

// The exchange as the two turns of a chat: the guard's server lays them out with the guard's chat template.
Json chat_of(const Exchange& exchange) {
  return Json::array({{{"role", "user"}, {"content", valid_utf8(exchange.prompt)}},
                      {{"role", "assistant"}, {"content", valid_utf8(exchange.response)}}});
}

// The final result of one request.
struct Outcome {
  bool failed = false;    // no reply, or not a chat completion
  bool refused = false;   // all other requests will fail too
  bool may_pass = false;  // another attempt may succeed
  int status = 0;
  std::string problem;
};

class EndpointJudge : public Judge {
 public:
  EndpointJudge(EndpointOptions options, VerdictCache cache)
      : options_(std::move(options)), cache_(std::move(cache)), wording_(options_.wording) {}

  std::vector<Verdict> judge(std::span<const Exchange> exchanges, const JudgeProgress& progress) const override;
  std::string name() const override { return options_.name; }
  std::string describe() const override { return description(" at " + options_.host); }
  std::string public_description() const override { return description(" at an endpoint"); }
  bool costs_money() const override { return true; }  // it may

 private:
  std::string description(const std::string& where) const {
    std::string text = (options_.guard ? "guard model " : "model ") + options_.model + where;
    if (!options_.rubric.empty()) text += ", " + std::to_string(options_.rubric.scores.size()) + " scores of a rubric";
    return text;
  }
  // All that a verdict depends on, including the texts. The random marks do not affect it.
  Json asked(const Exchange& exchange) const {
    const RequestWording& wording = options_.wording;
    Json all = {{"url", options_.url},
                {"model", options_.model},
                {"protocol", kProtocolVersion},
                {"instructions", options_.instructions},
                {"temperature", wording.temperature ? Json(*wording.temperature) : Json()},
                {"max_tokens", wording.most_tokens ? Json(*wording.most_tokens) : Json()},
                {"prompt", exchange.prompt},
                {"response", exchange.response}};
    if (!options_.rubric.empty()) all["rubric"] = options_.rubric.to_json();
    if (const auto& guard = options_.guard) {
      all["guard"] = {guard->after, guard->unsafe, guard->safe, guard->borderline, guard->borderline_harm};
    }
    return all;
  }
  std::string body(const Exchange& exchange, const RequestMarks& marks) const {
    Json body = {
        {"model", options_.model},
        {"messages",
         options_.guard ? chat_of(exchange) : judge_messages(exchange, options_.instructions, marks, options_.rubric)}};
    wording_.add_to(body);
    return dump_json(body);
  }
  // The server's words, for an error or a file.
  std::string presentable(const std::string& text) const { return excerpt(without_key(text, options_.key), 300); }

  Verdict read_answer(const Completion& reply, const RequestMarks& marks) const;
  Outcome read(const HttpReply& reply, const RequestMarks& marks, int sent_wording, bool& resend,
               Verdict& verdict) const;
  Error failure(const std::string& doing, const Outcome& outcome) const {
    Error error(doing);
    error.with("judge", options_.name).with("model", options_.model).with("at", options_.host);
    return error.found(outcome.problem);
  }

  EndpointOptions options_;
  VerdictCache cache_;
  // What the judge has learned about the server so far; only one thread uses it.
  mutable RequestWording wording_;
  mutable int wordings_ = 0;
};

Verdict EndpointJudge::read_answer(const Completion& reply, const RequestMarks& marks) const {
  Verdict verdict;
  if (reply.kind == Completion::Kind::unanswered) {
    verdict.reason = reply.problem;
  } else {
    verdict = options_.guard ? read_guard_answer(reply.text, *options_.guard)
                             : read_verdict(reply.text, marks, options_.rubric);
    if (!verdict.harm && reply.cut)
      verdict.reason +=
          "; it ended at its length limit (finish_reason length): the judge's max_tokens may be too small";
  }
  verdict.label = without_key(verdict.label, options_.key);  // both go into files
  verdict.reason = presentable(verdict.reason);
  return verdict;
}

// `resend`: send the request again at once with another wording.
Outcome EndpointJudge::read(const HttpReply& reply, const RequestMarks& marks, int sent_wording, bool& resend,
                            Verdict& verdict) const {
  if (!reply.problem.empty()) return {true, false, reply.may_pass, reply.status, reply.problem};
  const Completion completion = read_reply(reply.status, reply.body);
  if (completion.kind == Completion::Kind::answer || completion.kind == Completion::Kind::unanswered) {
    verdict = read_answer(completion, marks);
    return {};
  }
  if (sent_wording != wordings_) {
    resend = true;  // the reply to another request has changed the wording since
  } else if (const std::string changed = wording_.learn(completion); !changed.empty()) {
    ++wordings_;
    resend = true;
    say("judge " + options_.name + ": the server refused a field by name; from now on it gets " + changed);
  }
  return {true, completion.final, completion.may_pass || (reply.may_pass && !completion.final), completion.status,
          presentable(completion.problem)};
}

std::vector<Verdict> EndpointJudge::judge(std::span<const Exchange> exchanges, const JudgeProgress& progress) const {
  std::vector<Verdict> verdicts(exchanges.size());
  // Equal exchanges are sent once.
  struct Request {
    Json asked;
    RequestMarks marks;
    std::vector<std::size_t> places;
    int wording = 0;
  };
  std::vector<Request> requests;
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
    if (fresh) requests.push_back({std::move(question), RequestMarks::draw(exchanges[i]), {}});
    requests[place->second].places.push_back(i);
  }
  if (progress) progress(judged);

  const std::size_t kept = judged;
  std::size_t failed = 0, refused_alone = 0;  // the latter for their content
  Outcome last;
  const auto allowed =
      std::max<std::size_t>(5, static_cast<std::size_t>(options_.most_failures * static_cast<double>(requests.size())));
  const auto stop = [&] {
    Error error = failure(failed == requests.size() && failed > 1 ? "all of the judge's requests failed"
                                                                  : "too many of the judge's requests failed",
                          last);
    error.with("failed", std::to_string(failed) + " of " + std::to_string(requests.size()));
    if (last.status == 0) throw error.hint("whether a server of chat completions answers at this address");
    throw error.hint(cache_.folder().empty() ? "again later" : "again later; the verdicts so far are kept");
  };
  HttpCalls calls;
  calls.request = [&](std::size_t number) {
    requests[number].wording = wordings_;
    return HttpRequest{.url = options_.url,
                       .secret_header = options_.secret_header,
                       .json = body(exchanges[requests[number].places[0]], requests[number].marks)};
  };
  calls.read = [&](std::size_t number, const HttpReply& reply) {
    const Request& request = requests[number];
    Verdict verdict;
    bool resend = false;
    const Outcome outcome = read(reply, request.marks, request.wording, resend, verdict);
    if (resend) return HttpNext::now;
    if (outcome.refused)
      throw failure("the endpoint refused the request", outcome).hint("url, model and key of the judge's file");
    if (outcome.may_pass && reply.attempts_left) return HttpNext::later;
    if (outcome.failed) {
      last = outcome;
      refused_alone += outcome.status >= 400 && outcome.status < 500 && !outcome.may_pass;
      if (++failed > allowed) stop();
      verdict.reason = outcome.problem;
    } else {
      cache_.keep(request.asked, verdict);
    }
    for (const std::size_t place : request.places) verdicts[place] = verdict;
    judged += request.places.size();
    if (progress) progress(judged);
    return HttpNext::finished;
  };
  HttpPool(options_.http).send_all(requests.size(), calls);
  // Cached verdicts show that the address once worked, and single texts may be refused for their content.
  if (failed > 0 && failed == requests.size() && (kept == 0 || refused_alone < failed)) stop();
  return verdicts;
}

}  // namespace

std::unique_ptr<Judge> endpoint_judge(JudgeFile& file, const JudgeSettings&) {
  EndpointOptions options;
  options.name = file.text("name", std::filesystem::path(file.path()).stem().string());
  options.model = file.text("model");
  const std::string format = file.text("format", "verdict");
  if (format != "verdict" && format != "guard") file.refuse("format", "verdict or guard", format);
  if (format == "guard") {
    options.guard = GuardWords::read(file);
    for (const char* key : {"instructions", "scores", "veto"}) {
      if (file.has(key)) file.refuse(key, "no such key with format: guard, which has a form of its own", "one");
    }
  } else {
    options.instructions = file.text("instructions", kDefaultInstructions);
    options.rubric = Rubric::read(file);
  }
  options.wording = RequestWording::read(file);
  options.most_failures = file.number("most_failures", 0.2, 0, 1);
  options.http.parallel = static_cast<std::size_t>(file.count("parallel", 8, 1, 256));
  options.http.timeout = file.number("timeout", 60, 0.01, 3600);
  options.http.retries = static_cast<int>(file.count("retries", 4, 0, 20));
  options.http.first_wait = file.number("first_wait", 1, 0, 3600);
  options.http.longest_wait = file.number("longest_wait", 60, 0, 3600);
  options.http.most_bytes = static_cast<std::size_t>(file.count("most_bytes", 1 << 20, 1, 1 << 30));
  if (file.has("key")) {  // its value is not repeated
    file.refuse("key", "key_env: the name of an environment variable, or key_file: a path", "a key in the open");
  }
  options.key = key_of(file);
  const std::string header = file.text("key_header", "Authorization");
  const std::string url = file.text("url");
  const std::string cache = file.text("cache", VerdictCache::default_folder().string());
  file.refuse_others();
  if (!options.key.empty()) options.secret_header = checked_header(file, header, options.key);
  const WebAddress address = read_address(file, url);
  if (!options.key.empty() && !address.is_private()) {
    file.refuse("url",
                "https://, so that the key cannot be read on the way (http:// only to 127.0.0.1, [::1] or localhost)",
                address.host);
  }
  options.host = address.host;
  options.url = address.url;
  options.http.resolve = address.resolve;
  // Unencrypted and local requests bypass proxies.
  options.http.direct = !address.secure || address.loopback;
  return std::make_unique<EndpointJudge>(std::move(options), VerdictCache(cache == "none" ? "" : cache));
}

void check_endpoint(JudgeFile& file) {
  for (const char* key : {"url", "model"}) file.text(key);
  if (!file.text("key_env", "").empty()) key_of(file);
}

}  // namespace lethe
