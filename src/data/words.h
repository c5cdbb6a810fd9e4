// Normalises text for comparison: the normal form that defines equal prompts, and its words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// Whether the bytes are valid UTF-8.
bool is_utf8(std::string_view text);

/// The characters of a text. Each byte that is not UTF-8 is U+FFFD.
std::u32string characters_of(std::string_view text);

/// Case folded, Unicode NFKC, runs of white space as one space, none at the ends. Invalid UTF-8 stays as it is.
std::string normal_form(std::string_view text);

/// The words of a normal form: runs of letters, marks, digits and underscores. @param min_characters  shorter words are
/// left out
std::vector<std::string> words_of(std::string_view normal_form, int min_characters = 1);

/// The words of a normal form without underscores, numbers apart from letters: "2.5kg _oil_" has 2, 5, kg and oil.
std::vector<std::string> words_and_numbers_of(std::string_view normal_form);

/// The text without invisible format characters (Cf): zero-width spaces and joiners, soft hyphens, direction marks.
std::string without_format_characters(std::string_view text);

}  // namespace lethe
