// Recognises the layout of a row by its columns, and reads its optional columns.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/chat_rows.h"
#include "data/sources.h"

namespace lethe {

enum class Shape { unknown, safe_rlhf, truthful_qa, preference, chat, pair, prompt, text };

/// The recognised layout, and the column of each part.
struct Recognised {
  Shape shape = Shape::unknown;
  std::string prompt, response;
};

inline constexpr std::array kChats{"messages", "conversations", "conversation"};
inline constexpr std::array kChosen{"chosen", "chosen_response", "preferred_output"};
inline constexpr std::array kRejected{"rejected", "rejected_response", "non_preferred_output"};
inline constexpr std::array kPrompts{"prompt", "question", "goal", "instruction", "query"};

using Has = std::function<bool(const char* key)>;

/// The first of these keys that a row has, or "".
template <class Keys>
std::string first_key(const Keys& keys, const Has& has) {
  for (const char* key : keys) {
    if (has(key)) return key;
  }
  return "";
}

/// Recognises known data sets and common layouts, most specific first. Columns without a value count only if nothing
/// else matches: joined tables have such columns in every row.
/// @param need_response  false: prompts alone are enough
Recognised recognise(const Fields& fields, Role role, bool need_response);

/// The printed name of the layout: "PKU-SafeRLHF", or the columns used; "" if it is unknown.
std::string shape_name(const Recognised& known, const Fields& fields);

/// Refuses columns that change an example and are not supported. @throws UnusableRow
void refuse_unsupported(const Fields& fields, bool plain_text);

/// The turns before the prompt: `system`, and the earlier turns in Alpaca's `history`.
/// @throws UnusableRow if they cannot be read
std::vector<Turn> turns_before(const Fields& fields);
/// Inserts them into the chat. @throws UnusableRow if the chat has another system message
void put_before(std::vector<Turn> before, ChatRow& chat);

/// Whether the row says that its response is safe: is_safe, is_response_safe, is_unsafe, is_harmful, safe, unsafe, or
/// the word under `label` or `response_harm_label`. @throws UnusableRow if it is unclear
std::optional<bool> safety_of(const Fields& fields);

}  // namespace lethe
