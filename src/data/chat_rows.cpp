#include "data/chat_rows.h"

#include <algorithm>

#include "core/error.h"
#include "core/trimmed.h"

namespace lethe {
namespace {

// Limit on a row's contexts, in bytes. Each answer of a chat repeats all earlier turns.
constexpr std::size_t max_context_bytes = 256'000'000;

std::string role_of(const std::string& given) {
  const std::string key = column_key(given);
  if (key == "user" || key == "human" || key == "prompter") return "user";
  if (key == "assistant" || key == "gpt" || key == "chatgpt" || key == "bot" || key == "model") return "assistant";
  if (key == "system" || key == "developer") return "system";
  throw UnusableRow("a message of '" + excerpt(given) + "', which is neither user, assistant nor system");
}

const Json* first_of(const Fields& fields, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (const Json* field = fields.find(key); field != nullptr) return field;
  }
  return nullptr;
}

/// The speaker of a message; null if the value is not a message.
const Json* speaker_of(const Json& value) {
  if (!value.is_object()) return nullptr;
  const Fields fields(value);
  return first_of(fields, {"role", "from"});
}

bool is_message(const Json& value) {
  return speaker_of(value) != nullptr;
}

/// {"role": […], "content": […]}, as the datasets library stores messages, converted to a list of messages.
Json list_of_columns(const Json& columns) {
  Json list = Json::array();
  for (const auto& [key, values] : columns.items()) {
    if (!values.is_array()) throw UnusableRow("messages by columns, of which '" + excerpt(key) + "' is no list");
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i == list.size()) list.push_back(Json::object());
      list[i][key] = values[i];
    }
  }
  return list;
}

Turn turn_of(std::string role, std::string content) {
  return {{std::move(role), std::move(content)}, true};
}

std::size_t last_answer(const std::vector<Turn>& turns) {
  std::size_t last = turns.size();
  for (std::size_t i = 0; i < turns.size(); ++i) {
    if (turns[i].message.role == "assistant") last = i;
  }
  return last;
}

bool any_of_user(const std::vector<Turn>& turns) {
  return std::any_of(turns.begin(), turns.end(), [](const Turn& turn) { return turn.message.role == "user"; });
}

bool same_text(const Turn& a, const Turn& b) {
  return a.message.role == b.message.role && trimmed(a.message.content) == trimmed(b.message.content);
}

// The index in `turns` (a whole conversation) at which the context ends.
std::size_t end_of_context(const std::vector<Turn>& context, const std::vector<Turn>& turns, std::string_view name) {
  // A prompt given as text may be the first or the last question.
  if (context.size() == 1) {
    for (std::size_t i = 0; i < turns.size(); ++i) {
      if (same_text(context[0], turns[i])) return i + 1;
    }
  }
  const bool brings_system = !context.empty() && context[0].message.role == "system";
  const std::size_t skipped = !brings_system && !turns.empty() && turns[0].message.role == "system" ? 1 : 0;
  const bool fits =
      context.size() + skipped <= turns.size() &&
      std::equal(context.begin(), context.end(), turns.begin() + static_cast<std::ptrdiff_t>(skipped), same_text);
  if (!fits) throw UnusableRow("'" + excerpt(name) + "' is a conversation that does not hold the prompt");
  return context.size() + skipped;
}

}  // namespace

std::optional<Json> as_messages(const Json& value, std::string_view name) {
  if (const Json* speaker = speaker_of(value))
    return speaker->is_array() ? list_of_columns(value) : Json::array({value});
  if (value.is_array()) return !value.empty() && is_message(value[0]) ? std::optional(value) : std::nullopt;
  if (!value.is_string()) return std::nullopt;
  const std::string text(trimmed(value.get_ref<const std::string&>()));
  if (!text.starts_with("[") || !text.ends_with("]")) return std::nullopt;
  const std::size_t inner = text.find_first_not_of(" \t\r\n", 1);
  if (inner == std::string::npos || text[inner] != '{') return std::nullopt;
  Json list;
  try {
    list = parse_json(text, std::string(name), 16);
  } catch (const Error&) {
    if (text.find("'role':") != std::string::npos || text.find("'from':") != std::string::npos)
      throw UnusableRow("'" + excerpt(name) +
                        "' holds messages as Python prints them, which is no JSON; write the file with "
                        "to_json('F.jsonl', orient='records', lines=True)");
    return std::nullopt;
  }
  return is_message(list[0]) ? std::optional(std::move(list)) : std::nullopt;
}

Turn read_turn(const Json& message, std::string_view name) {
  if (!message.is_object())
    throw UnusableRow("'" + excerpt(name) + "' holds a JSON " + std::string(message.type_name()) + ", not a message");
  const Fields fields(message);
  const Json* role = first_of(fields, {"role", "from"});
  if (role == nullptr || !role->is_string()) throw UnusableRow("a message without a role");
  Turn turn;
  turn.message.role = role_of(role->get<std::string>());
  for (const char* key : {"tool_calls", "function_call", "tool_call_id", "reasoning_content", "reasoning", "thinking",
                          "images", "image", "audio", "refusal"}) {
    if (fields.filled(key) != nullptr)
      throw UnusableRow(std::string("a message has '") + key + "', which is not supported");
  }
  const Json* content = first_of(fields, {"content", "value", "text"});
  if (content == nullptr) throw UnusableRow("a message of " + turn.message.role + " has no content");
  turn.message.content = content_text(*content, "content");
  if (turn.message.role != "system" && is_blank(turn.message.content))
    throw UnusableRow("a message of " + turn.message.role + " is empty");
  turn.learned = is_learned(fields, true, turn.message.role == "assistant");
  return turn;
}

std::vector<Turn> read_turns(const Json& messages, std::string_view name) {
  if (!messages.is_array()) throw UnusableRow("'" + excerpt(name) + "' is no list of messages");
  std::vector<Turn> turns;
  for (const Json& message : messages) turns.push_back(read_turn(message, name));
  return turns;
}

std::optional<std::vector<Turn>> read_human_assistant(const std::string& text) {
  static const std::pair<std::string, std::string> marks[] = {{"\n\nHuman:", "user"}, {"\n\nAssistant:", "assistant"}};
  const auto next_mark = [&](std::size_t from, std::string& role, std::size_t& end) {
    std::size_t nearest_mark = std::string::npos;
    for (const auto& [mark, who] : marks) {
      const std::size_t at = text.find(mark, from);
      if (at >= nearest_mark) continue;
      nearest_mark = at;
      role = who;
      end = at + mark.size();
    }
    return nearest_mark;
  };
  std::string role;
  std::size_t end = 0;
  std::size_t at = next_mark(0, role, end);
  if (at == std::string::npos || !is_blank(std::string_view(text).substr(0, at))) return std::nullopt;
  std::vector<Turn> turns;
  while (at != std::string::npos) {
    std::string next_role;
    std::size_t next_end = 0;
    const std::size_t next = next_mark(end, next_role, next_end);
    std::string said(trimmed(std::string_view(text).substr(end, next == std::string::npos ? next : next - end)));
    if (said.empty()) throw UnusableRow("an empty turn of '" + role + "'");
    turns.push_back(turn_of(role, std::move(said)));
    at = next;
    role = next_role;
    end = next_end;
  }
  return turns;
}

ChatRow join_chat(std::optional<std::vector<Turn>> context, const Json& completion, std::string_view name) {
  ChatRow chat;
  const std::optional<Json> messages = as_messages(completion, name);
  if (!messages) {
    std::string text = text_value(completion, name);
    if (!context) {
      auto turns = read_human_assistant(text);
      if (!turns)
        throw UnusableRow("no prompt, and '" + excerpt(name) +
                          "' is no conversation (\"\\n\\nHuman: …\\n\\nAssistant: …\")");
      chat.turns = std::move(*turns);
      chat.learn_from = last_answer(chat.turns);
      return chat;
    }
    chat.turns = std::move(*context);
    chat.learn_from = chat.turns.size();
    chat.turns.push_back(turn_of("assistant", std::move(text)));
    return chat;
  }
  std::vector<Turn> turns = read_turns(*messages, name);
  const bool is_whole = turns[0].message.role != "assistant";
  if (!context && !is_whole && !any_of_user(turns)) throw UnusableRow("no prompt for '" + excerpt(name) + "'");
  if (!context || is_whole) {
    chat.learn_from = context ? end_of_context(*context, turns, name) : last_answer(turns);
    chat.turns = std::move(turns);
    return chat;
  }
  chat.turns = std::move(*context);
  chat.learn_from = chat.turns.size();
  chat.turns.insert(chat.turns.end(), std::make_move_iterator(turns.begin()), std::make_move_iterator(turns.end()));
  return chat;
}

void take_answers(const ChatRow& chat, bool need_response, RowReading& reading) {
  std::vector<ChatMessage> before;
  std::optional<std::string> prompt;
  bool asked = false, answered = false;
  std::size_t bytes_before = 0, copied = 0;
  const auto keep = [&](ChatMessage message) {
    bytes_before += message.content.size() + sizeof(ChatMessage);
    before.push_back(std::move(message));
  };
  const auto take = [&](std::vector<std::string> responses) {
    copied += bytes_before;
    if (copied > max_context_bytes) {
      throw UnusableRow("a chat of so many turns that its answers, each with what was said before, take more than " +
                        with_commas(max_context_bytes) + " bytes");
    }
    reading.contents.push_back({*prompt, std::move(responses), {}, before});
  };
  for (std::size_t i = 0; i < chat.turns.size(); ++i) {
    const auto& [message, learned] = chat.turns[i];
    if (message.role == "system") {
      if (i > 0) throw UnusableRow("a message of system that is not the first");
      keep(message);
    } else if (message.role == "user") {
      if (prompt) throw UnusableRow("two messages of user in a row");
      prompt = message.content;
      asked = true;
    } else if (!prompt) {
      if (asked || (i > 0 && chat.turns[i - 1].message.role == "assistant"))
        throw UnusableRow("two messages of assistant in a row");
      keep(message);  // a greeting answers no prompt
    } else {
      answered = true;
      if (i >= chat.learn_from && learned) take({message.content});
      if (i >= chat.learn_from && !learned) ++reading.not_learned;
      keep({"user", std::move(*prompt)});
      keep(message);
      prompt.reset();
    }
  }
  if (!asked) throw UnusableRow("no message of user");
  if (need_response && !answered) throw UnusableRow("no message of assistant that answers the user");
  if (!prompt) return;
  if (need_response) {
    ++reading.unanswered;
  } else {
    take({});
  }
}

}  // namespace lethe
