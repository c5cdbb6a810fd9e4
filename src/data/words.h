// Normalises text for comparison: the normal form that defines equal prompts, and its words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// Whether the bytes are valid UTF-8.
bool is_utf8(std::string_view text);

/// Case folded, Unicode NFKC, runs of white space as one space, none at the ends. Invalid UTF-8 stays as it is.
std::string normal_form(std::string_view text);

/// The words of a normal form: runs of letters, marks, digits and underscores. @param min_characters  shorter words are
/// left out
std::vector<std::string> words_of(std::string_view normal_form, int min_characters = 1);

}  // namespace lethe
