// --redact: what people asked and models answered is not shown, neither on the terminal nor in a report.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lethe {

/// Set once, by the command line.
void redact_texts(bool on);
bool texts_are_redacted();

/// A prompt or an answer for a person's eyes: excerpt(text, limit), or with --redact a mark that tells equal texts from
/// different ones, "[redacted: 182 bytes, 3f9a12cd]". Files for programs (predictions.jsonl) hold the text itself.
std::string shown_text(std::string_view text, std::size_t limit = 80);
/// The same of a text that is shown whole: the text as it is, for whoever escapes it, or the mark.
std::string whole_text(const std::string& text);
/// The mark alone.
std::string redacted_text(std::string_view text);

}  // namespace lethe
