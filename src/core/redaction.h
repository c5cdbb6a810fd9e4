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
/// The mark alone.
std::string redacted_text(std::string_view text);

}  // namespace lethe
