// Translates Oniguruma's regular expressions (Ruby's syntax, used by tokenizer.json) to PCRE2.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// Handles Unicode's white space and word characters, hexadecimal \h, nested classes and intersections, and (?m), which
/// lets the dot match a line's end. Compile the result with PCRE2_MULTILINE, since ^ and $ match at lines.
/// @throws Error (bad input) for a construct that means something else in PCRE2 and is not translated
std::string pcre2_of_oniguruma(std::string_view pattern);

}  // namespace lethe
