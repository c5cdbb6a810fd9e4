// Splits the pieces of a text at matches, with the five behaviours of `tokenizers` for the matched text.
#pragma once

#include <functional>

#include "tokenizers/components.h"

namespace lethe {

enum class Delimiter { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// The "behavior" of a part of tokenizer.json.
Delimiter delimiter_named(const std::string& name, const Json& part);

/// Splits each piece at the matches of `find`; `invert` treats the text between as matches.
void cut(CutText& text, const Finder& find, Delimiter delimiter, bool invert = false);

/// Finds single characters.
Finder find_characters(bool (*wanted)(char32_t));

}  // namespace lethe
