#include "metrics/repetition.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <unordered_map>

#include "data/words.h"

namespace lethe {
namespace {

// A stretch in which every element equals the one a period before it.
struct Stretch {
  std::size_t begin = 0, length = 0, period = 0;
  std::size_t repeats() const { return period == 0 ? 0 : length / period; }
};

/// Every longest stretch of each period up to `longest_period` that holds its unit twice or more; shortest period
/// first.
template <class Sequence, class Visit>
void each_stretch(const Sequence& sequence, std::size_t longest_period, const Visit& visit) {
  for (std::size_t period = 1; period <= std::min(longest_period, sequence.size() / 2); ++period) {
    std::size_t same = 0;
    for (std::size_t i = period; i <= sequence.size(); ++i) {
      if (i < sequence.size() && sequence[i] == sequence[i - period]) {
        ++same;
        continue;
      }
      if (same >= period) visit(Stretch{i - same - period, same + period, period});
      same = 0;
    }
  }
}

bool is_decimal(char32_t c) {
  return c >= '0' && c <= '9';
}

bool is_any_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || c >= 0x80;
}

// Whether a stretch of characters is a habit of writing and no loop. @param point  the token's first '.'
bool is_customary(const std::u32string& token, std::size_t point, const Stretch& stretch) {
  const std::u32string unit = token.substr(stretch.begin, stretch.period);
  constexpr std::array<std::u32string_view, 7> kSung = {U"ha", U"ah", U"he", U"ho", U"la", U"al", U"na"};
  if (stretch.length < 30 && std::find(kSung.begin(), kSung.end(), unit) != kSung.end()) return true;
  if (std::any_of(unit.begin(), unit.end(), is_any_letter)) return false;
  if (!std::any_of(unit.begin(), unit.end(), is_decimal))
    return unit.find_first_not_of(U"-=_.*#~+|:") == std::u32string::npos;  // rules, blanks to fill in
  const bool zeros = unit.find_first_not_of(U'0') == std::u32string::npos;
  const bool power_of_ten = zeros && stretch.begin > 0 && is_decimal(token[stretch.begin - 1]);
  const bool fraction = point < stretch.begin;
  return stretch.length < 12 || ((power_of_ten || fraction) && stretch.length <= 120);
}

// Length of the longest loop in a token without spaces.
std::size_t looping_characters(const std::u32string& token) {
  constexpr std::size_t kLongestUnit = 40, kFewestRepeats = 3, kShortest = 6;
  const std::size_t point = token.find(U'.');
  std::size_t longest = 0;
  each_stretch(token, kLongestUnit, [&](const Stretch& stretch) {
    if (stretch.repeats() >= kFewestRepeats && stretch.length >= kShortest && !is_customary(token, point, stretch))
      longest = std::max(longest, stretch.length);
  });
  return longest;
}

// A short word twice without a space between: what models write that repeat one token. No English word holds one.
bool doubles_a_word(std::string_view token) {
  constexpr std::array<std::string_view, 8> kDoubled = {"thethe", "andand", "thatthat", "withwith",
                                                        "forfor", "youyou", "thisthis", "waswas"};
  return std::any_of(kDoubled.begin(), kDoubled.end(),
                     [&](std::string_view word) { return token.find(word) != std::string_view::npos; });
}

// A word or two and then only stops: "The.....". A table of contents has numbers.
bool ends_in_stops(std::string_view form) {
  std::size_t longest = 0, run = 0;
  for (const char c : form) {
    run = c == '.' || c == ',' || c == '!' || c == '?' || c == ';' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest >= 4 && 5 * longest > 2 * form.size() && form.find_first_of("0123456789") == std::string_view::npos;
}

bool is_number(const std::string& word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return is_decimal(static_cast<unsigned char>(c)); });
}

// The words, with a short run of an interjection as one word: "Ha ha ha ha!" is customary.
std::vector<std::string> without_interjections(const std::vector<std::string>& words) {
  constexpr std::size_t kMostRepeats = 6;
  constexpr std::array<std::string_view, 13> kInterjections = {"ha", "hah", "haha", "he",  "hee", "ho",  "la",
                                                               "na", "oh",  "hey",  "bye", "wow", "blah"};
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < words.size();) {
    std::size_t end = i + 1;
    while (end < words.size() && words[end] == words[i]) ++end;
    const bool customary = end - i <= kMostRepeats &&
                           std::find(kInterjections.begin(), kInterjections.end(), words[i]) != kInterjections.end();
    kept.insert(kept.end(), customary ? 1 : end - i, words[i]);
    i = end;
  }
  return kept;
}

// A word many times in a row.
bool has_run(const std::vector<std::string>& words) {
  bool found = false;
  each_stretch(words, 1, [&](const Stretch& run) {
    const std::size_t fewest = is_number(words[run.begin]) ? 12 : 4;
    found = found || (run.length >= fewest && (2 * run.length > words.size() || run.length >= 10));
  });
  return found;
}

// A phrase again and again. Numbers may differ between its repeats: "1. Stir. 2. Stir. 3. Stir."
bool has_loop(const std::vector<std::string>& words) {
  constexpr std::size_t kLongestPhrase = 60;
  const std::string number = "#";
  std::vector<std::string> text;
  for (const std::string& word : words) text.push_back(is_number(word) ? number : word);
  bool found = false;
  each_stretch(text, kLongestPhrase, [&](const Stretch& loop) {
    if (found || loop.period < 2) return;
    const auto unit = text.begin() + static_cast<std::ptrdiff_t>(loop.begin);
    const auto end = unit + static_cast<std::ptrdiff_t>(loop.period);
    const auto numbers = static_cast<std::size_t>(std::count(unit, end, number));
    if (numbers > 0 && loop.period - numbers < 3) return;  // rows of a table
    const bool most = 2 * loop.length > text.size(), all = 10 * loop.length >= 9 * text.size();
    found = (loop.repeats() >= 3 && loop.length >= 12 && (most || loop.length >= 36)) ||
            (loop.repeats() >= 3 && loop.length >= 6 && all) || (loop.repeats() >= 2 && loop.period >= 4 && all);
  });
  return found;
}

// Few different words or pairs, wherever they stand.
bool has_few_words(const std::vector<std::string>& words) {
  std::unordered_map<std::string, std::size_t> counts;
  std::set<std::pair<std::string, std::string>> pairs;
  std::size_t numbers = 0, most = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (is_number(words[i])) {
      ++numbers;
    } else {
      most = std::max(most, ++counts[words[i]]);
    }
    if (i > 0) pairs.emplace(words[i - 1], words[i]);
  }
  if (2 * numbers >= words.size()) return false;
  if (words.size() >= 12) return 5 * most > 2 * words.size() || 2 * pairs.size() < words.size() - 1;
  return words.size() >= 6 && 5 * most >= 3 * words.size();
}

}  // namespace

bool repeats_characters(std::string_view text) {
  std::size_t characters = 0, looping = 0;
  const std::string form = normal_form(text);
  if (ends_in_stops(form)) return true;
  for (std::size_t at = 0; at < form.size();) {
    const std::size_t end = std::min(form.find(' ', at), form.size());
    if (doubles_a_word(std::string_view(form).substr(at, end - at))) return true;
    const std::u32string token = characters_of(std::string_view(form).substr(at, end - at));
    const std::size_t loop = looping_characters(token);
    if (loop >= 30) return true;
    characters += token.size();
    looping += loop;
    at = end + 1;
  }
  return 2 * looping > characters;
}

bool repeats_words(const std::vector<std::string>& all_words) {
  const std::vector<std::string> words = without_interjections(all_words);
  return has_run(words) || has_loop(words) || has_few_words(words);
}

}  // namespace lethe
