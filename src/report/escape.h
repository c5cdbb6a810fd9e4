// What others wrote (prompts, models' answers, file names), made fit for HTML.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lethe {

/// Text safe within HTML and attributes: markup is escaped; bytes that are no UTF-8, control characters (but tab and
/// line break) and characters that reorder or hide text (embeddings, overrides, isolates, tags) become U+FFFD.
std::string html_escaped(std::string_view text);

/// The same of at most `most` bytes, cut at a character; of what is cut off the length is told.
std::string html_bounded(std::string_view text, std::size_t most = 600);

}  // namespace lethe
