#include "evaluation/answer_server.h"

#include <optional>

#include "core/error.h"
#include "core/json.h"
#include "core/json_cache.h"
#include "judges/completion.h"
#include "web/address.h"
#include "web/server_key.h"

namespace lethe {
namespace {

constexpr std::size_t kMostReplyBytes = std::size_t{16} << 20;

// The answer in a reply of /completions; nothing if it is another reply.
std::optional<ServedAnswer> answer_in(const HttpReply& reply) {
  if (reply.status != 200) return std::nullopt;
  try {
    const Json root = parse_json(reply.body, "a reply", 32);
    const Json& choice = root.at("choices").at(0);
    return ServedAnswer{choice.at("text").get<std::string>(), choice.at("finish_reason") == "stop"};
  } catch (const Error&) {
  } catch (const nlohmann::json::exception&) {
  }
  return std::nullopt;
}

std::optional<ServedAnswer> answer_kept(const std::optional<Json>& kept) {
  if (!kept) return std::nullopt;
  try {
    return ServedAnswer{kept->at("text").get<std::string>(), kept->at("ended").get<bool>()};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // damaged: requested again and replaced
  }
}

}  // namespace

AnswerServer::AnswerServer(ServedModel model) : model_(std::move(model)) {
  const auto refuse = [](const std::string& wanted, const std::string& found) {
    throw bad_input("cannot use the server of --endpoint").wanted(wanted).found(found);
  };
  const WebAddress address = with_ending(
      read_web_address(model_.endpoint, "http:// or https://, a host, and a path up to /v1", refuse), "/completions");
  url_ = address.url;
  host_ = address.host;
  if (!model_.key_env.empty()) {
    key_ = key_in_variable(model_.key_env);
    if (key_.empty())
      refuse("the name of an environment variable that holds the server's key", unset_variable(model_.key_env));
    if (!is_plain_key(key_)) refuse("a key of one line of printable characters", "other characters in it");
    if (!address.is_private())
      refuse("https://, so that the key cannot be read on the way (http:// only to this machine)", host_);
    secret_header_ = secret_header("Authorization", key_);
  }
  http_ = {.direct = !address.secure || address.loopback,
           .resolve = address.resolve,
           .parallel = model_.parallel,
           .timeout = 600,
           .most_bytes = kMostReplyBytes};
}

std::vector<ServedAnswer> AnswerServer::answers(std::span<const std::vector<int>> prompts, std::int64_t max_new_tokens,
                                                const std::vector<int>& stop_ids,
                                                const std::function<void(std::size_t)>& progress,
                                                const std::function<void()>& before) const {
  return ask(prompts, max_new_tokens, stop_ids, model_.kept, progress, before);
}

std::vector<ServedAnswer> AnswerServer::fresh_answers(std::span<const std::vector<int>> prompts,
                                                      std::int64_t max_new_tokens,
                                                      const std::vector<int>& stop_ids) const {
  return ask(prompts, max_new_tokens, stop_ids, {}, [](std::size_t) {}, {});
}

std::vector<ServedAnswer> AnswerServer::ask(std::span<const std::vector<int>> prompts, std::int64_t max_new_tokens,
                                            const std::vector<int>& stop_ids, const std::filesystem::path& kept,
                                            const std::function<void(std::size_t)>& progress,
                                            const std::function<void()>& before) const {
  const JsonCache cache(kept);
  const auto body_of = [&](std::size_t i) {
    // Servers take defaults from the model's folder, where a repetition penalty may be set.
    return Json{{"model", model_.name},       {"prompt", prompts[i]},  {"max_tokens", max_new_tokens},
                {"stop_token_ids", stop_ids}, {"temperature", 0},      {"repetition_penalty", 1},
                {"presence_penalty", 0},      {"frequency_penalty", 0}};
  };
  const auto asked_of = [&](std::size_t i) {
    return Json{{"url", url_}, {"weights", model_.weights}, {"body", body_of(i)}};
  };
  std::vector<ServedAnswer> answers(prompts.size());
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (const std::optional<ServedAnswer> kept = answer_kept(cache.find(asked_of(i)))) {
      answers[i] = *kept;
    } else {
      missing.push_back(i);
    }
  }
  if (!missing.empty() && before) before();
  std::size_t done = prompts.size() - missing.size();
  progress(done);

  HttpCalls calls;
  calls.request = [&](std::size_t number) {
    return HttpRequest{.url = url_, .secret_header = secret_header_, .json = dump_json(body_of(missing[number]))};
  };
  calls.read = [&](std::size_t number, const HttpReply& reply) {
    if (const std::optional<ServedAnswer> answer = answer_in(reply)) {
      answers[missing[number]] = *answer;
      cache.keep(asked_of(missing[number]), {{"text", answer->text}, {"ended", answer->ended}});
      progress(++done);
      return HttpNext::finished;
    }
    Completion completion;
    if (reply.problem.empty()) completion = read_reply(reply.status, reply.body);
    const bool may_pass = reply.may_pass || completion.may_pass;
    if (may_pass && !completion.final && reply.attempts_left) return HttpNext::later;
    const std::string problem = reply.problem.empty() ? completion.problem : reply.problem;
    throw bad_input("the server of --endpoint did not answer a prompt")
        .with("model", excerpt(model_.name))
        .with("at", host_)
        .wanted("a completion (choices[0].text and finish_reason)")
        .found(excerpt(without_key(problem.empty() ? "a reply without a completion" : problem, key_), 300))
        .hint("whether it serves " + excerpt(model_.name) + " at " + host_ +
              (kept.empty() ? "" : "; the answers so far are kept for the same command"));
  };
  HttpPool(http_).send_all(missing.size(), calls);
  return answers;
}

}  // namespace lethe
