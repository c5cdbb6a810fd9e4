#include "server/generation_request.h"

#include <algorithm>

#include "core/error.h"
#include "server/api_error.h"

namespace lethe {
namespace {

constexpr std::int64_t kMostAnswersOfAPrompt = 128;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 31;
constexpr std::size_t kMostPromptTokens = 1 << 22;  // of a request, counted for each of its answers
constexpr std::size_t kMostScoredTokens = 1 << 17;  // the same where each comes with log-probabilities
constexpr std::size_t kMostStops = 16, kMostStopBytes = 1024;
constexpr std::int64_t kMostTopLogprobs = 20;
constexpr std::int64_t kCompletionTokens = 16;  // OpenAI's default
constexpr std::size_t kMostMessages = 1024;
constexpr double kGreedyBelow = 1e-4;  // a temperature by which logits cannot be divided without overflow

/// What both kinds have in common: an answer without its prompt.
AnswerRequest read_common(const RequestBody& body, std::uint64_t seed, GenerationRequest& request) {
  for (const char* key : {"frequency_penalty", "presence_penalty", "min_p"}) body.only(key, {0, 0.0});
  body.only("repetition_penalty", {1, 1.0});
  body.only("logit_bias", {Json::object()});
  request.stream = body.flag("stream", false);
  if (const Json* options = body.find("stream_options")) {
    if (!options->is_object()) throw ApiError(400, "\"stream_options\" must be an object", "stream_options");
    request.stream_usage = RequestBody(*options).flag("include_usage", false);
  }
  request.each = body.whole_number("n", 1, kMostAnswersOfAPrompt).value_or(1);
  AnswerRequest answer;
  answer.streamed = request.stream;
  const double temperature = body.number("temperature", 1, 0, 100);
  answer.sampling.temperature = temperature < kGreedyBelow ? 0 : temperature;
  answer.sampling.top_p = body.number("top_p", 1, 0, 1);
  answer.sampling.top_k = std::max<std::int64_t>(0, body.whole_number("top_k", -1, kMostTokens).value_or(0));
  answer.seed = static_cast<std::uint64_t>(
      body.whole_number("seed", INT64_MIN, INT64_MAX).value_or(static_cast<std::int64_t>(seed)));
  answer.stop = body.texts("stop", kMostStops, kMostStopBytes);
  return answer;
}

/// Adds the answers of one prompt.
void add_answers(GenerationRequest& request, AnswerRequest answer, std::vector<int> prompt, const LiveModel& model) {
  model.check_length(prompt.size());
  request.prompt_tokens += prompt.size();
  const std::size_t answers = request.answers.size() + static_cast<std::size_t>(request.each);
  if (answers > model.most_answers()) {
    throw ApiError(400, "a request may want at most " + std::to_string(model.most_answers()) + " answers", "n");
  }
  const std::size_t most = answer.prompt_logprobs ? kMostScoredTokens : kMostPromptTokens;
  if (request.prompt_tokens * static_cast<std::size_t>(request.each) > most) {
    throw ApiError(400,
                   "the prompts of all answers of a request may have at most " + with_commas(most) +
                       (answer.prompt_logprobs ? " tokens with log-probabilities" : " tokens"),
                   "n");
  }
  answer.max_new_tokens = model.new_tokens(prompt.size(), answer.max_new_tokens);
  if (answer.logprobs && answers * static_cast<std::size_t>(answer.max_new_tokens) > kMostScoredTokens) {
    throw ApiError(400,
                   "the answers of a request may have at most " + with_commas(kMostScoredTokens) +
                       " tokens with log-probabilities",
                   "max_tokens");
  }
  answer.prompt = std::move(prompt);
  for (std::int64_t i = 0; i < request.each; ++i) {
    answer.index = request.answers.size();
    request.answers.push_back(answer);
  }
}

std::vector<int> ids_of(const Json& list, const LiveModel& model) {
  std::vector<int> ids;
  ids.reserve(list.size());
  for (const Json& id : list) {
    if (!id.is_number_integer() || id < 0 || id >= model.spec().vocabulary) {
      throw ApiError(400, "\"prompt\" must have token ids from 0 to " + std::to_string(model.spec().vocabulary - 1),
                     "prompt");
    }
    ids.push_back(id.get<int>());
  }
  return ids;
}

void add_prompt(GenerationRequest& request, const AnswerRequest& answer, const Json& prompt, const LiveModel& model) {
  std::vector<int> ids;
  if (prompt.is_string()) {
    ids = model.encode(prompt.get_ref<const std::string&>());
  } else {
    ids = ids_of(prompt, model);
  }
  if (request.echo) {
    request.prompt_texts.push_back(prompt.is_string() ? prompt.get<std::string>() : model.tokenizer().decode(ids));
  }
  add_answers(request, answer, std::move(ids), model);
}

/// A message's text: a string, or OpenAI's list of parts.
std::string content_of(const Json& message, const std::string& where) {
  const auto refuse = [&](const char* wanted) {
    throw ApiError(400, "the content of " + where + " must be " + wanted, "messages");
  };
  const auto content = message.find("content");
  if (content == message.end()) refuse("there");
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) refuse("a text or a list of parts");
  std::string text;
  for (const Json& part : *content) {
    const bool fits = part.is_object() && part.value("type", Json()) == "text" && part.contains("text") &&
                      part.at("text").is_string();
    if (!fits) refuse("made of parts of text: {\"type\": \"text\", \"text\": …}");
    text += part.at("text").get<std::string>();
  }
  return text;
}

std::vector<ChatMessage> messages_of(const RequestBody& body) {
  const Json* list = body.find("messages");
  if (list == nullptr || !list->is_array() || list->empty() || list->size() > kMostMessages) {
    throw ApiError(400, "\"messages\" must be a list of 1 to " + std::to_string(kMostMessages) + " messages",
                   "messages");
  }
  std::vector<ChatMessage> messages;
  for (const Json& message : *list) {
    const std::string where = "message " + std::to_string(messages.size() + 1);
    if (!message.is_object() || !message.contains("role") || !message.at("role").is_string())
      throw ApiError(400, where + " must be an object with a role", "messages");
    std::string role = message.at("role").get<std::string>();
    if (role == "developer") role = "system";  // OpenAI's later name
    if (role != "system" && role != "user" && role != "assistant")
      throw ApiError(400, "the role of " + where + " must be system, user or assistant", "messages");
    messages.push_back({role, content_of(message, where)});
  }
  if (messages.back().role != "user") throw ApiError(400, "the last message must be the user's", "messages");
  return messages;
}

}  // namespace

GenerationRequest read_completion(const RequestBody& body, const LiveModel& model, std::uint64_t seed) {
  GenerationRequest request;
  AnswerRequest answer = read_common(body, seed, request);
  body.only("suffix", {""});
  request.echo = body.flag("echo", false);
  answer.max_new_tokens = body.whole_number("max_tokens", 0, kMostTokens).value_or(kCompletionTokens);
  answer.logprobs = body.whole_number("logprobs", 0, kMostTopLogprobs);
  answer.prompt_logprobs = request.echo && answer.logprobs.has_value();
  if (const auto best = body.whole_number("best_of", 1, kMostAnswersOfAPrompt); best && *best != request.each)
    throw ApiError(400, "\"best_of\" is not supported: only as many as \"n\"", "best_of");
  const Json* prompt = body.find("prompt");
  const bool list = prompt != nullptr && prompt->is_array() && !prompt->empty();
  if (prompt == nullptr || (!prompt->is_string() && !list)) {
    throw ApiError(400, "\"prompt\" must be a text, a list of texts, token ids, or a list of lists of them", "prompt");
  }
  if (!list || prompt->front().is_number()) {
    add_prompt(request, answer, *prompt, model);
    return request;
  }
  for (const Json& one : *prompt) {
    if (!one.is_string() && !one.is_array())
      throw ApiError(400, "\"prompt\" must be a list of texts, or of lists of token ids", "prompt");
    add_prompt(request, answer, one, model);
  }
  return request;
}

GenerationRequest read_chat(const RequestBody& body, const LiveModel& model, std::uint64_t seed) {
  GenerationRequest request;
  AnswerRequest answer = read_common(body, seed, request);
  for (const char* key : {"tools", "functions"}) body.only(key, {Json::array()});
  body.only("response_format", {Json{{"type", "text"}}});
  body.only("modalities", {Json::array({"text"})});
  if (body.flag("logprobs", false))
    answer.logprobs = body.whole_number("top_logprobs", 0, kMostTopLogprobs).value_or(0);
  const auto later = body.whole_number("max_completion_tokens", 0, kMostTokens);
  answer.max_new_tokens =
      later.value_or(body.whole_number("max_tokens", 0, kMostTokens).value_or(model.default_tokens()));
  std::vector<ChatMessage> messages = messages_of(body);
  const std::string prompt = std::move(messages.back().content);
  messages.pop_back();
  add_answers(request, answer, model.encode_chat(prompt, messages), model);
  return request;
}

}  // namespace lethe
