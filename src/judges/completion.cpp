#include "judges/completion.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "core/error.h"
#include "core/json.h"
#include "core/small_letters.h"
#include "core/trimmed.h"
#include "judges/thought.h"

namespace lethe {
namespace {

using Kind = Completion::Kind;

bool holds_one_of(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// The value under a key of an object; null without such a key or object.
const Json& under(const Json& object, const char* key) {
  static const Json nothing;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() ? *found : nothing;
}

std::string word_under(const Json& object, const char* key) {
  const Json& value = under(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

bool says_something(const Json& value) {
  return !value.is_null() && value != false && !(value.is_string() && value.get_ref<const std::string&>().empty()) &&
         !((value.is_object() || value.is_array()) && value.empty());
}

// An HTTP status within a body: 429, "429".
int status_in(const Json& value) {
  int status = 0;
  if (value.is_number()) status = static_cast<int>(std::clamp(value.get<double>(), 0.0, 1000.0));
  if (value.is_string() && value.get_ref<const std::string&>().size() == 3)
    status = std::atoi(value.get<std::string>().c_str());
  return status >= 400 && status <= 599 ? status : 0;
}

// The part of a reply that is an error, if there is one.
const Json* error_in(const Json& root) {
  if (root.is_array() && !root.empty()) return error_in(root.front());  // Google's
  if (!root.is_object()) return nullptr;
  if (says_something(under(root, "error"))) return &under(root, "error");
  if (root.value("object", Json()) == "error") return &root;
  const Json& choices = under(root, "choices");
  if (choices.is_array() && !choices.empty() && says_something(under(choices.front(), "error")))
    return &under(choices.front(), "error");
  if (root.contains("choices") || under(root, "message").is_object()) return nullptr;
  if (says_something(under(root, "errors"))) return &under(root, "errors");
  for (const char* key : {"detail", "message", "msg", "error_message", "error_msg"}) {
    if (says_something(under(root, key))) return &root;
  }
  return nullptr;
}

std::string message_of(const Json& error) {
  if (error.is_string()) return error.get<std::string>();
  std::string text;
  for (const char* key : {"message", "msg", "detail", "error_message", "error_msg", "error"}) {
    if (!word_under(error, key).empty()) {
      text = word_under(error, key);
      break;
    }
  }
  if (text.empty()) return dump_json(error);
  // OpenRouter: "Provider returned error" and the provider's message.
  const Json& raw = under(under(error, "metadata"), "raw");
  if (says_something(raw)) text += ": " + (raw.is_string() ? raw.get<std::string>() : dump_json(raw));
  return text;
}

// "body", "temperature" of FastAPI's {"detail": [{"loc": ["body", "temperature"], …}]}; OpenAI's "param".
std::string field_of(const Json& error) {
  if (!word_under(error, "param").empty()) return word_under(error, "param");
  const Json& list = error.is_array() ? error : under(error, "detail");
  const Json& place = under(list.is_array() && !list.empty() ? list.front() : error, "loc");
  if (place.is_array() && !place.empty() && place.back().is_string()) return place.back().get<std::string>();
  return "";
}

// Guesses the status from a server's words, if it gives none.
int status_of_words(const std::string& words) {
  if (holds_one_of(words, {"rate limit", "rate_limit", "ratelimit", "too many requests", "too_many_requests", "throttl",
                           "resource_exhausted", "overloaded"}))
    return 429;
  if (holds_one_of(words, {"server_error", "internal_error", "unavailable", "timeout", "try again", "loading model"}))
    return 503;
  if (holds_one_of(words, {"authentication", "unauthorized", "invalid_api_key"})) return 401;
  if (holds_one_of(words, {"permission"})) return 403;
  if (holds_one_of(words, {"model_not_found", "not_found"})) return 404;
  if (holds_one_of(words, {"invalid_request", "unsupported", "invalid_parameter", "badrequest"})) return 400;
  return 0;
}

std::string of_status(int status) {
  return status == 0 ? "the server's error" : "HTTP status " + std::to_string(status);
}

Completion read_error(int status, const Json& error) {
  Completion reply;
  reply.kind = Kind::error;
  reply.message = message_of(error);
  reply.field = field_of(error);
  std::string codes;
  for (const char* key : {"code", "type", "status", "error_type"}) codes += small_letters(word_under(error, key)) + " ";
  for (const char* key : {"code", "status", "status_code", "statusCode"}) {
    if (status >= 200 && status < 300 && status_in(under(error, key)) != 0) status = status_in(under(error, key));
  }
  if (status >= 200 && status < 300) status = status_of_words(codes + small_letters(reply.message));
  reply.status = status;
  const std::string words = small_letters(reply.message),
                    inner = small_letters(word_under(under(error, "innererror"), "code"));
  if (holds_one_of(codes + inner,
                   {"content_filter", "content_policy", "data_inspection_failed", "moderation", "responsibleai"}) ||
      words.find("content management policy") != std::string::npos ||
      under(error, "metadata").contains("flagged_input")) {
    reply.kind = Kind::unanswered;
    reply.problem = "the server's content filter refused the request: " + reply.message;
    return reply;
  }
  const bool spent = holds_one_of(codes, {"insufficient_quota", "billing", "insufficient_balance"});
  reply.final = spent || status == 401 || status == 402 || status == 403 || status == 404;
  reply.may_pass = !reply.final && (status == 408 || status == 409 || status == 425 || status == 429 || status >= 500);
  reply.problem = of_status(status) + ": " + reply.message;
  return reply;
}

// The title of a web page: "502 Bad Gateway".
std::string title_of(std::string_view page) {
  const std::string small = small_letters(std::string(page.substr(0, 20'000)));
  const std::size_t tag = small.find("<title"), begin = small.find('>', std::min(tag, small.size())),
                    end = small.find("</title", std::min(begin, small.size()));
  if (tag == std::string::npos || begin == std::string::npos || end == std::string::npos) return "";
  return std::string(trimmed(page.substr(begin + 1, end - begin - 1)));
}

// Names the kind of a body that is not JSON.
std::string kind_of(std::string_view body) {
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "empty";
  const std::string_view text = body.substr(begin);
  if (text.starts_with('<')) {
    const std::string title = title_of(text);
    return "no JSON but a web page (HTML)" + (title.empty() ? "" : ": " + title);
  }
  for (const std::string_view stream : {"data:", "event:", ": "}) {
    if (text.starts_with(stream)) return "no JSON but a stream of events";
  }
  return "no JSON: " + std::string(text);
}

Completion foreign(int status, const std::string& what) {
  Completion reply;
  const bool fine = status >= 200 && status < 300;
  reply.kind = fine ? Kind::foreign : Kind::error;
  reply.status = fine ? 0 : status;
  reply.final = status == 401 || status == 402 || status == 403 || status == 404;
  reply.problem = (fine ? "" : of_status(status) + ": ") + "the reply is " + what;
  return reply;
}

// The text of a message's content: a text, or a list of parts, without thoughts.
std::string text_of_content(const Json& content, std::string& refusal) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  for (const Json& part : content.is_array() ? content : Json::array({content})) {
    const std::string type = word_under(part, "type");
    if (part.is_string()) text += part.get<std::string>();
    if (type == "refusal") refusal += word_under(part, "refusal");
    if (!holds_one_of(type, {"think", "reason", "refusal"})) text += word_under(part, "text");
  }
  return text;
}

std::string why_nothing(const Json& message, const std::string& refusal, const std::string& finish) {
  if (!refusal.empty()) return "the model refused: " + refusal;
  const bool thought = says_something(under(message, "reasoning_content")) ||
                       says_something(under(message, "reasoning")) || says_something(under(message, "thinking"));
  if (finish == "length") {
    return std::string("the reply ended at its length limit (finish_reason length)") +
           (thought ? ", within a thought" : "") + "; the judge's max_tokens may be too small";
  }
  if (holds_one_of(finish, {"filter", "safety", "prohibited", "blocklist", "recitation"}))
    return "the server's content filter withheld the answer (finish_reason " + finish + ")";
  if (says_something(under(message, "tool_calls")) || says_something(under(message, "function_call")))
    return "the model called a tool in place of an answer";
  std::string what = "the reply holds no text: its content is ";
  if (!message.contains("content")) {
    what += "missing";
  } else {
    what += message.at("content").is_null() ? "null" : message.at("content").empty() ? "empty" : "blank or no text";
  }
  if (thought) what += ", beside a thought";
  if (!finish.empty()) what += " (finish_reason " + finish + ")";
  return what;
}

}  // namespace

Completion read_reply(int status, std::string_view body) {
  const bool fine = status >= 200 && status < 300;
  Json root;
  try {
    root = parse_json(body, "a reply", 32);
  } catch (const Error&) {
    return foreign(status, kind_of(body));
  }
  if (const Json* error = error_in(root)) return read_error(status, *error);
  if (!fine) return read_error(status, root);
  const Json& choices = under(root, "choices");
  // Ollama's own format has the message at the top level.
  const Json& choice = choices.is_array() && !choices.empty() ? choices.front() : root;
  const Json& message = under(choice, "message");
  if (!message.is_object()) return foreign(status, "no chat completion: " + dump_json(root));

  Completion reply;
  std::string finish = small_letters(word_under(choice, "finish_reason"));
  if (finish.empty()) finish = small_letters(word_under(choice, "done_reason"));
  if (finish == "max_tokens" || finish == "model_length" || finish == "max_output_tokens") finish = "length";
  reply.cut = finish == "length";
  std::string refusal = word_under(message, "refusal");
  reply.text = text_of_content(under(message, "content"), refusal);
  if (reply.text.find_first_not_of(" \t\r\n") != std::string::npos) {
    reply.kind = Kind::answer;
  } else {
    reply.kind = Kind::unanswered;
    reply.problem = why_nothing(message, refusal, finish);
  }
  return reply;
}

}  // namespace lethe
