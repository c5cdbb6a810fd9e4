// What general English looks like: which letters follow each other in a word, which words follow each other in a
// sentence. Two small tables, counted in public-domain texts by tools/fixtures/english.py, are part of the program.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// Mean over the letters of a word, and its end, of ln P(letter | the two before it), nats.
/// English words: about −2.2, 99.9% of them above −4.7. Random letters: about −6.
/// @param word  a … z. A word with other characters gets the lowest value of the table, −12.6.
double english_spelling(std::string_view word);

/// How the words of a text follow each other, compared with the same words in any order.
struct WordOrder {
  double gain = 0;               ///< mean over words of ln P(class | class before) − ln P(class), nats
  std::size_t words = 0;         ///< words of the text
  std::size_t common_words = 0;  ///< those that have a class of their own: "the", "of", "is", …
};

/// The 200 or so words that carry the order of a sentence are classes; all others are classed by their endings.
/// Punctuation begins a new part. English sentences: a gain of about 0.5; shuffled ones: about −1.
WordOrder english_order(std::string_view text);

}  // namespace lethe
