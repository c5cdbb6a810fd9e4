// Whether a chat template shows what it is given. What it leaves out would be neither learned nor scored, silently.
#pragma once

#include <span>

#include "prompts/chat_template.h"

namespace lethe {

/// Checks what a template printed of these messages.
///   user, system  each text is there in full, but for white space and for words that switch the template (Qwen3's
///                 "/no_think"): two different texts never print the same
///   assistant     something of each text is there, and all of it where nothing in it looks like the mark of a thought,
///                 which many templates cut out
/// @param text  rendered from `messages`, content i marked with source i + 1
/// @throws Error (bad input) naming the template and the text that is missing
void check_shown(const ChatTemplate& layout, std::span<const ChatMessage> messages, const MarkedText& text);

/// check_shown() with a probe, so that a template is refused before any row is read. A template that refuses the probe
/// itself passes: its own error names the row.
/// @param system  "": none
void check_template(const ChatTemplate& layout, const std::string& system);

}  // namespace lethe
