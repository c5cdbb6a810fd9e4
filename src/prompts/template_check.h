// Checks that a chat template prints its messages. Dropped text would silently be neither learned nor scored.
#pragma once

#include <span>

#include "prompts/chat_template.h"

namespace lethe {

/// Checks which parts of these messages a template printed.
/// * user, system: each text is complete, except white space and words that switch the template (Qwen3's "/no_think").
///   Two different texts never print the same.
/// * assistant: a part of each text is printed, or all of it if it has no mark of a thought. Many templates cut
///   thoughts.
/// @param text  rendered from `messages`, content i marked with source i + 1
/// @throws Error (bad input) naming the template and the text that is missing
void check_shown(const ChatTemplate& layout, std::span<const ChatMessage> messages, const MarkedText& text);

/// Calls check_shown() with a probe, to refuse a template before any row is read. A template that refuses the probe
/// passes: its own error will name the row.
/// @param system  "": none
void check_template(const ChatTemplate& layout, const std::string& system);

}  // namespace lethe
