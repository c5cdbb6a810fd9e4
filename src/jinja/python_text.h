// Python's text operations on UTF-8 with marks: counted in characters, with Unicode's white space.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "jinja/marked_text.h"

namespace lethe {

/// The byte offsets of all characters, and the end: one more than there are characters.
std::vector<std::size_t> character_starts(const std::string& text);

/// The first position of a part, or npos. Linear time in both, unlike std::string::find.
std::size_t find_part(std::string_view text, std::string_view part, std::size_t from = 0);
std::size_t find_last_part(std::string_view text, std::string_view part);

/// Removes white space, or any of `characters`, from the ends.
MarkedText stripped(const MarkedText& text, const std::string* characters, bool left, bool right);
/// Splits at a separator, or at runs of white space (nullptr), at most `most` times from the left (−1: no limit).
/// @throws Error (bad input), all three functions, for more than a million pieces
std::vector<MarkedText> split_text(const MarkedText& text, const std::string* separator, std::int64_t most);
std::vector<MarkedText> split_from_right(const MarkedText& text, const std::string& separator, std::int64_t most);
std::vector<MarkedText> split_lines(const MarkedText& text, bool keep_ends);
MarkedText replaced(const MarkedText& text, const std::string& old, const MarkedText& fresh, std::int64_t most);

enum class Case { upper, lower, capitalize, title };
/// Maps letters by Unicode's simple mapping; Case::title is Python's str.title().
MarkedText in_case(const MarkedText& text, Case wanted);

/// Whether the text is not empty and all its characters are of this kind.
enum class Kind { digit, letter, letter_or_digit, space };
bool all_of_kind(const std::string& text, Kind kind);
bool is_printable(std::int32_t codepoint);

/// Visits each character with its code point and its bytes. Ill-formed bytes come one at a time, as −1.
void for_each_character(const std::string& text,
                        const std::function<void(std::int32_t codepoint, std::size_t begin, std::size_t end)>& f);

}  // namespace lethe
