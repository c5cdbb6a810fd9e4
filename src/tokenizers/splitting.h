// Cutting the pieces of a text at matches, with the five behaviours that `tokenizers` knows for what matched.
#pragma once

#include <functional>

#include "tokenizers/components.h"

namespace lethe {

enum class Delimiter { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// The "behavior" of a part of tokenizer.json.
Delimiter delimiter_named(const std::string& name, const Json& part);

/// Cuts each piece at what `find` finds in it; `invert` makes matches of what lies between.
void cut(CutText& text, const Finder& find, Delimiter delimiter, bool invert = false);

/// Finds single characters.
Finder find_characters(bool (*wanted)(char32_t));

}  // namespace lethe
