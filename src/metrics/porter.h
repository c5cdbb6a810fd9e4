// Porter's stemmer: removes the endings of English words, so that "falls" and "falling" match in ROUGE.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// The stem of a word in lower case. Porter 1980 with the changes that NLTK makes by default (irregular forms, "ies"
/// and "ied" of short words, y after a consonant, "fulli", "logi"), which is what rouge-score uses. Letters other than
/// a, e, i, o, u and y count as consonants, digits too. Linear in the word's length.
std::string porter_stem(std::string_view word);

}  // namespace lethe
