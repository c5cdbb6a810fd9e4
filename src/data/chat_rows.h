// Reads chats in the common layouts: OpenAI's role and content, ShareGPT's from and value, content parts, Anthropic's
// "Human:" and "Assistant:" texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/fields.h"
#include "data/row_reading.h"

namespace lethe {

/// A message, and whether the model learns its text (weight, train, masked).
struct Turn {
  ChatMessage message;
  bool learned = true;
};

/// The messages of a row. Answers from index `learn_from` on are taken; earlier ones are context.
struct ChatRow {
  std::vector<Turn> turns;
  std::size_t learn_from = 0;
};

/// The list of messages in a value: the value itself, or JSON in a text (a CSV field). Nothing for other values.
/// @throws UnusableRow if the text is such a list in Python notation
std::optional<Json> as_messages(const Json& value, std::string_view name);

/// Reads a message: role or from (user, human; assistant, gpt, model; system, developer) and content or value.
/// @throws UnusableRow if it has a part that Lethe cannot use (tool calls, thoughts, images)
Turn read_turn(const Json& message, std::string_view name);
std::vector<Turn> read_turns(const Json& messages, std::string_view name);

/// "\n\nHuman: …\n\nAssistant: …" as in Anthropic's HH-RLHF, or nothing.
std::optional<std::vector<Turn>> read_human_assistant(const std::string& text);

/// Joins a context with its completion: a conversation that repeats the context, or its continuation.
/// @param context  empty: the completion holds the whole conversation
/// @throws UnusableRow if the two do not fit together
ChatRow join_chat(std::optional<std::vector<Turn>> context, const Json& completion, std::string_view name);

/// Makes one content of each assistant answer: the preceding user message is the prompt, all earlier turns its context.
/// An assistant message at the beginning is context only. A user message at the end is counted as unanswered; if no
/// response is needed, it becomes a prompt.
/// @throws UnusableRow if user and assistant do not alternate, or a needed answer is missing
void take_answers(const ChatRow& chat, bool need_response, RowReading& reading);

}  // namespace lethe
