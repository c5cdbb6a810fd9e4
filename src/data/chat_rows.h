// Chats in the shapes that people have: OpenAI's role and content, ShareGPT's from and value, content parts,
// Anthropic's "Human:" and "Assistant:" texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/fields.h"
#include "data/row_reading.h"

namespace lethe {

/// A message, and whether its text is to be learned (weight, train, masked).
struct Turn {
  ChatMessage message;
  bool learned = true;
};

/// The messages of a row. Only answers from `learn_from` on are taken; earlier ones are what was said before.
struct ChatRow {
  std::vector<Turn> turns;
  std::size_t learn_from = 0;
};

/// Whether a value is a list of messages, or text that holds one as JSON (a CSV file's field).
/// @throws UnusableRow if it is such a list as Python prints it
std::optional<Json> as_messages(const Json& value, std::string_view name);

/// A message: role or from (user, human; assistant, gpt, model; system, developer) and content or value.
/// @throws UnusableRow if a part of it cannot be used (tool calls, thoughts, images)
Turn read_turn(const Json& message, std::string_view name);
std::vector<Turn> read_turns(const Json& messages, std::string_view name);

/// "\n\nHuman: …\n\nAssistant: …" as in Anthropic's HH-RLHF, or nothing.
std::optional<std::vector<Turn>> read_human_assistant(const std::string& text);

/// What a chat goes on from and what follows: a conversation that repeats the context, or its continuation.
/// @param context  nothing: the completion holds the whole conversation
/// @throws UnusableRow if the two do not fit together
ChatRow join_chat(std::optional<std::vector<Turn>> context, const Json& completion, std::string_view name);

/// One content for each answer of the assistant: the user's message before it is the prompt, all before that its
/// context. A first message of the assistant is context only. A last message of the user is counted as unanswered;
/// where prompts alone are wanted it is one.
/// @throws UnusableRow if user and assistant do not take turns, or no answer is there though one is needed
void take_answers(const ChatRow& chat, bool need_response, RowReading& reading);

}  // namespace lethe
