// --redact: hides prompts and responses on the terminal and in reports.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lethe {

/// Called once, by the command line.
void redact_texts(bool on);
bool texts_are_redacted();

/// A prompt or a response for display: excerpt(text, limit), or with --redact a mark, "[redacted: 182 bytes,
/// 3f9a12cd]". Equal texts have equal marks. Files for programs (predictions.jsonl) hold the text itself.
std::string shown_text(std::string_view text, std::size_t limit = 80);
/// Like shown_text(), for a text shown in full: the mark, or the text itself, which the caller must escape.
std::string whole_text(const std::string& text);
/// The mark alone.
std::string redacted_text(std::string_view text);

}  // namespace lethe
