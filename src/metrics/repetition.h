// Text that repeats itself: characters, short units without spaces, words, and whole phrases.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// Whether most of a text consists of one character or of a unit of up to 40 characters, three times or more without a
/// space between: "PPPPPPPPPP", "ababab", "TheTheThe"; a short word doubled ("TheThe"); a word and then only stops.
/// Rules ("-----"), blanks to fill in, powers of ten and laughter are exempt.
bool repeats_characters(std::string_view text);

/// Whether the words of a text repeat: one word four times in a row, a phrase three times in a row, the whole text
/// twice, one word as 40% of them or more, or (from 12 words) fewer than half of the word pairs new. Each kind counts
/// only where it makes up most of the text, or is long: a refrain is no loop. Numbers may repeat. Up to six
/// interjections in a row ("ha ha ha ha") count as one word.
/// @param words  of the normal form (data/words.h)
bool repeats_words(const std::vector<std::string>& words);

}  // namespace lethe
