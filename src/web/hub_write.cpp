#include "web/hub_write.h"

#include <utility>

#include "core/error.h"

namespace lethe {

HttpOptions hub_write_options(const Hub& hub) {
  HttpOptions options = hub_http_options(hub);
  options.silence = 300;
  return options;
}

HttpReply ask_hub(const HubTarget& target, HttpRequest request, int retries) {
  HttpOptions options = hub_write_options(target.hub);
  options.retries = retries;
  request.secret_header = secret_for(target.hub, request.url);
  HttpReply last;
  HttpCalls calls;
  calls.request = [&](std::size_t) { return request; };
  calls.read = [&](std::size_t, const HttpReply& reply) {
    last = reply;
    // 409: the repository exists, or is being changed; only the latter passes.
    const bool passes =
        reply.may_pass && reply.status != 507 &&
        (reply.status != 409 || reply.body.find("another conflicting operation is in progress") != std::string::npos);
    return passes ? HttpNext::later : HttpNext::finished;
  };
  HttpPool(options).send_all(1, calls);
  return last;
}

Json json_reply(const HubTarget& target, const HttpReply& reply, const std::string& what) {
  if (!succeeded(reply)) throw push_error(target, reply);
  Json json;
  try {
    json = parse_json(reply.body, "the reply");
  } catch (const Error&) {
    throw odd_reply(target, what + ", in JSON");
  }
  if (!json.is_object()) throw odd_reply(target, what + ", in JSON");
  return json;
}

bool succeeded(const HttpReply& reply) {
  return reply.problem.empty() && reply.status >= 200 && reply.status < 300;
}

Error push_error(const HubTarget& target, const HttpReply& reply) {
  const std::string& name = target.name.repository;
  const std::string owner = name.substr(0, name.find('/'));
  const std::string words = words_of(target.hub, reply), said = words.empty() ? "" : ": " + words;
  switch (reply.status) {
    case 400:
      return bad_input(target.doing).found("the Hub does not take it" + said);
    case 401:
      return bad_input(target.doing)
          .found("the Hub refuses the token" + said)
          .hint("a valid HF_TOKEN, or: hf auth login");
    case 402:
    case 507:
      return Error(target.doing)
          .found("no more storage for " + owner + said)
          .hint("free some, or a larger plan; what was uploaded is kept");
    case 403:
      return bad_input(target.doing)
          .found("the token may not write there" + said)
          .hint("a token with write permission, of an account that may write to " + owner +
                " (huggingface.co/settings/tokens)");
    case 404:
      return bad_input(target.doing)
          .found("no such repository or account" + said)
          .hint("check the name; may the account of your token see it?");
    case 409:
      return bad_input(target.doing)
          .found("a repository of this name that the token may not see, or one that is being changed" + said)
          .hint("another name, or again in a moment");
    case 412:
      return Error(target.doing)
          .found("somebody else changed the repository meanwhile")
          .hint("again; what was uploaded is kept");
    case 413:
      return Error(target.doing).found("a file is too large for the Hub" + said);
    default:
      return hub_error(target.hub, target.name, target.doing, reply);
  }
}

Error odd_reply(const HubTarget& target, const std::string& wanted) {
  return Error(target.doing)
      .with("from", target.hub.endpoint.host)
      .wanted(wanted)
      .found("something else")
      .hint("whether HF_ENDPOINT names a Hub");
}

}  // namespace lethe
