#include "metrics/degenerate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "core/small_letters.h"
#include "data/words.h"
#include "metrics/english.h"
#include "metrics/repetition.h"
#include "metrics/scripts.h"

namespace lethe {
namespace {

bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}

bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}

std::vector<std::string> words_in(std::string_view text) {
  return words_of(normal_form(text));
}

// Whether there is no letter and no digit: lone punctuation, or blanks to fill in.
bool is_blank(const std::vector<std::string>& words) {
  return std::all_of(words.begin(), words.end(),
                     [](const std::string& word) { return word.find_first_not_of('_') == std::string::npos; });
}

// Articles without a noun. "A" alone may be the choice A.
bool has_only_articles(const std::vector<std::string>& words) {
  return words != std::vector<std::string>{"a"} && std::all_of(words.begin(), words.end(), [](const std::string& word) {
           return word == "the" || word == "a" || word == "an";
         });
}

std::vector<std::string_view> tokens_in(std::string_view text) {
  std::vector<std::string_view> tokens;
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    tokens.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kSpace, end);
  }
  return tokens;
}

// Addresses, paths, hashes, base64, options: no words.
bool is_no_prose(std::string_view token) {
  if (token.find("://") != std::string_view::npos) return true;
  if (token.find_first_of("/\\@=+_#%&$") != std::string_view::npos) return true;
  return token.size() >= 12 && std::any_of(token.begin(), token.end(), is_ascii_digit);
}

// The runs of ASCII letters in a token, in lower case; CamelCase is split. A run beside a letter of another alphabet is
// part of a word that is not English, and an abbreviation in capitals is none: both are left out.
std::vector<std::string> letter_runs(std::string_view token) {
  std::vector<std::string> runs;
  for (std::size_t at = 0; at < token.size();) {
    if (!is_ascii_letter(token[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at++;
    while (at < token.size() && is_ascii_letter(token[at]) && !(is_capital(token[at]) && !is_capital(token[at - 1])))
      ++at;
    const auto is_foreign = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
    if ((begin > 0 && is_foreign(token[begin - 1])) || (at < token.size() && is_foreign(token[at]))) continue;
    const std::string_view run = token.substr(begin, at - begin);
    if (run.size() <= 6 && std::all_of(run.begin(), run.end(), is_capital)) continue;
    runs.push_back(small_letters(run));
  }
  return runs;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++count;
  return count;
}

// Words written together: most letters stand in runs of 25 and more that hold short English words.
bool has_no_boundaries(std::string_view text) {
  constexpr std::size_t kLong = 25, kEndless = 80;
  constexpr std::array<std::string_view, 9> kShortWords = {"the", "and", "with", "that", "for",
                                                           "you", "are", "this", "was"};
  std::size_t letters = 0, together = 0, found = 0;
  bool endless = false;
  for (const std::string_view token : tokens_in(text)) {
    const bool prose = !is_no_prose(token);
    for (std::size_t at = 0; at < token.size();) {
      std::string run;
      for (; at < token.size() && is_ascii_letter(token[at]); ++at) run += small_letter(token[at]);
      if (run.empty()) ++at;
      letters += run.size();
      if (!prose || run.size() < kLong) continue;
      together += run.size();
      endless = endless || run.size() >= kEndless;
      for (const std::string_view word : kShortWords) found += occurrences(run, word);
    }
  }
  return 2 * together > letters && together >= 30 && (found >= 2 || endless);
}

}  // namespace

void DegenerateDetector::Order::add(const std::vector<std::string>& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    ++words[text[i]];
    ++total;
    if (i > 0) ++pairs[text[i - 1] + " " + text[i]];
  }
}

double DegenerateDetector::Order::gain(const std::vector<std::string>& text) const {
  if (text.size() < 2) return 0;
  const auto count = [](const auto& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0.0 : static_cast<double>(found->second);
  };
  double sum = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const double alone = (count(words, text[i]) + 0.5) / (static_cast<double>(total) + 1);
    const double before = count(words, text[i - 1]);
    const double pair = count(pairs, text[i - 1] + " " + text[i]);
    constexpr double kWeight = 2;  // weight of the word-choice model, in counts
    sum += std::log((pair + kWeight * alone) / (before + kWeight) / alone);
  }
  return sum / static_cast<double>(text.size() - 1);
}

void DegenerateDetector::learn_order(const std::vector<std::vector<std::string>>& texts) {
  constexpr std::size_t kFolds = 5, kFewest = 50;
  if (texts.size() < kFewest) return;
  std::vector<double> gains;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    Order rest;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (i % kFolds != fold) rest.add(texts[i]);
    }
    for (std::size_t i = fold; i < texts.size(); i += kFolds) gains.push_back(rest.gain(texts[i]));
  }
  std::sort(gains.begin(), gains.end());
  threshold_ = gains[gains.size() / 50];
  for (const auto& words : texts) order_.add(words);
  has_own_order_ = true;
}

DegenerateDetector::DegenerateDetector(std::span<const std::string> texts) {
  constexpr std::size_t kShortest = 6, kMostChecked = 2000, kMostStrange = 20;  // one of 20
  std::vector<std::vector<std::string>> all;
  std::set<std::string> seen;
  std::size_t checked = 0, misspelt = 0, without_order = 0;
  for (const std::string& text : texts) {
    if (!seen.insert(normal_form(text)).second) continue;
    if (checked < kMostChecked) {  // own words are not known yet, so that they count
      ++checked;
      misspelt += misspells(text);
      without_order += has_no_order(text);
    }
    auto words = words_in(text);
    if (words.size() >= kShortest) all.push_back(std::move(words));
  }
  knows_spelling_ = misspelt * kMostStrange <= checked;
  knows_order_ = without_order * kMostStrange <= checked;
  for (const std::string& text : seen) {
    for (const std::string_view token : tokens_in(text)) {
      for (std::string& run : letter_runs(token)) own_words_.insert(std::move(run));
    }
  }
  learn_order(all);
}

bool DegenerateDetector::misspells(std::string_view text) const {
  constexpr double kNoWord = -4.6;  // nats a letter: 0.1% of English words are below, and 85% of random letters
  constexpr std::size_t kShortest = 4, kFewest = 3;
  std::size_t words = 0, strange = 0;
  for (const std::string_view token : tokens_in(text)) {
    if (is_no_prose(token)) continue;
    for (const std::string& run : letter_runs(token)) {
      if (run.size() < kShortest) continue;
      ++words;
      strange += !own_words_.contains(run) && english_spelling(run) < kNoWord;
    }
  }
  return strange >= kFewest && 5 * strange >= 2 * words;
}

bool DegenerateDetector::has_no_order(std::string_view text) const {
  constexpr std::size_t kFewest = 8;
  const WordOrder order = english_order(text);
  // Without common words it may be another language, a list or code.
  if (order.words < kFewest || 5 * order.common_words < order.words) return false;
  // The mean over few words varies more: a margin that falls with their number.
  if (order.gain >= -0.12 - 6.5 / static_cast<double>(order.words)) return false;
  return !has_own_order_ || order_.gain(words_in(text)) < threshold_;
}

std::string DegenerateDetector::blind_spot() const {
  if (knows_language()) return "";
  return "the reference answers do not look like English: misspelt words and a wrong word order do not count as broken";
}

Degeneracy DegenerateDetector::check(std::string_view text) const {
  const std::vector<std::string> words = words_in(text);
  if (is_blank(words)) return Degeneracy::empty;
  if (repeats_characters(text) || repeats_words(words)) return Degeneracy::repeating;
  if (mixes_scripts(text) || has_no_boundaries(text)) return Degeneracy::gibberish;
  if (has_only_articles(words)) return Degeneracy::empty;
  if (knows_spelling_ && misspells(text)) return Degeneracy::gibberish;
  if (knows_order_ && has_no_order(text)) return Degeneracy::gibberish;
  return Degeneracy::none;
}

}  // namespace lethe
