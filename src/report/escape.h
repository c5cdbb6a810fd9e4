// Escapes untrusted text (prompts, models' answers, file names) for HTML.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lethe {

/// Text safe within HTML and attributes. Markup is escaped. Invalid UTF-8, control characters (except tab and line
/// break) and characters that reorder or hide text (embeddings, overrides, isolates, tags) become U+FFFD.
std::string html_escaped(std::string_view text);

/// The same for at most `most` bytes, cut between characters. If it is cut, the full length is added.
std::string html_bounded(std::string_view text, std::size_t most = 600);

}  // namespace lethe
