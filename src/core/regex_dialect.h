// Oniguruma's regular expressions (Ruby's syntax, which tokenizer.json is written in) in the words of PCRE2.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// White space and word characters as Unicode has them; hexadecimal \h; classes within classes and intersections;
/// (?m) lets the dot match a line's end. To be compiled with PCRE2_MULTILINE, since ^ and $ are of lines.
/// @throws Error (bad input) for a construct that means something else in PCRE2 and is not translated
std::string pcre2_of_oniguruma(std::string_view pattern);

}  // namespace lethe
