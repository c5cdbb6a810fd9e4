#include "metrics/porter.h"

#include <array>
#include <functional>
#include <initializer_list>
#include <unordered_map>
#include <vector>

namespace lethe {
namespace {

/// Which letters are consonants: y is one at the start of a word and after a vowel.
std::vector<bool> consonants(std::string_view word) {
  std::vector<bool> flags;
  flags.reserve(word.size());
  for (const char c : word) {
    const bool vowel = c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
    flags.push_back(c == 'y' ? flags.empty() || !flags.back() : !vowel);
  }
  return flags;
}

/// How many times a vowel is followed by a consonant: m of [C](VC)^m[V].
int measure(std::string_view stem) {
  const std::vector<bool> flags = consonants(stem);
  int count = 0;
  for (std::size_t i = 1; i < flags.size(); ++i) count += !flags[i - 1] && flags[i];
  return count;
}

bool has_vowel(std::string_view stem) {
  for (const bool consonant : consonants(stem)) {
    if (!consonant) return true;
  }
  return false;
}

bool ends_in_double_consonant(std::string_view word) {
  return word.size() >= 2 && word[word.size() - 1] == word[word.size() - 2] && consonants(word).back();
}

/// Consonant, vowel, consonant other than w, x, y at the end ("hop"); of a word of two letters vowel, consonant.
bool ends_short(std::string_view word) {
  const std::vector<bool> flags = consonants(word);
  const std::size_t n = word.size();
  if (n == 2) return !flags[0] && flags[1];
  if (n < 3 || !flags[n - 3] || flags[n - 2] || !flags[n - 1]) return false;
  return word[n - 1] != 'w' && word[n - 1] != 'x' && word[n - 1] != 'y';
}

struct Rule {
  std::string_view suffix, replacement;
};

/// Finds the first rule whose suffix the word has, and applies it if the stem passes.
std::string first_rule(const std::string& word, std::initializer_list<Rule> rules,
                       const std::function<bool(std::string_view stem, std::string_view suffix)>& passes) {
  for (const Rule& rule : rules) {
    if (!word.ends_with(rule.suffix)) continue;
    const std::string_view stem(word.data(), word.size() - rule.suffix.size());
    return passes(stem, rule.suffix) ? std::string(stem) + std::string(rule.replacement) : word;
  }
  return word;
}

std::string plural(const std::string& word) {
  if (word.ends_with("ies") && word.size() == 4) return word.substr(0, 1) + "ie";
  return first_rule(word, {{"sses", "ss"}, {"ies", "i"}, {"ss", "ss"}, {"s", ""}},
                    [](std::string_view, std::string_view) { return true; });
}

std::string past_and_participle(const std::string& word) {
  const auto without = [&](std::size_t letters) { return word.substr(0, word.size() - letters); };
  if (word.ends_with("ied")) return without(3) + (word.size() == 4 ? "ie" : "i");
  if (word.ends_with("eed")) return measure(without(3)) > 0 ? without(1) : word;
  std::string stem;
  if (word.ends_with("ed") && has_vowel(without(2))) {
    stem = without(2);
  } else if (word.ends_with("ing") && has_vowel(without(3))) {
    stem = without(3);
  } else {
    return word;
  }
  if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) return stem + "e";
  if (ends_in_double_consonant(stem)) {
    const char last = stem.back();
    if (last != 'l' && last != 's' && last != 'z') stem.pop_back();
    return stem;
  }
  return measure(stem) == 1 && ends_short(stem) ? stem + "e" : stem;
}

std::string final_y(const std::string& word) {
  return first_rule(word, {{"y", "i"}},
                    [](std::string_view stem, std::string_view) { return stem.size() > 1 && consonants(stem).back(); });
}

bool has_measure(std::string_view stem, std::string_view) {
  return measure(stem) > 0;
}

std::string double_suffix(const std::string& word) {
  if (word.ends_with("alli") && measure(std::string_view(word).substr(0, word.size() - 4)) > 0)
    return double_suffix(word.substr(0, word.size() - 2));
  return first_rule(word,
                    {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
                     {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
                     {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
                     {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
                     {"fulli", "ful"},   {"logi", "log"}},
                    [&](std::string_view stem, std::string_view suffix) {
                      // "logi" counts its l with the stem.
                      return measure(suffix == "logi" ? std::string_view(word).substr(0, word.size() - 3) : stem) > 0;
                    });
}

std::string adjective_suffix(const std::string& word) {
  return first_rule(
      word,
      {{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""}},
      has_measure);
}

std::string last_suffix(const std::string& word) {
  return first_rule(word,
                    {{"al", ""},
                     {"ance", ""},
                     {"ence", ""},
                     {"er", ""},
                     {"ic", ""},
                     {"able", ""},
                     {"ible", ""},
                     {"ant", ""},
                     {"ement", ""},
                     {"ment", ""},
                     {"ent", ""},
                     {"ion", ""},
                     {"ou", ""},
                     {"ism", ""},
                     {"ate", ""},
                     {"iti", ""},
                     {"ous", ""},
                     {"ive", ""},
                     {"ize", ""}},
                    [](std::string_view stem, std::string_view suffix) {
                      return measure(stem) > 1 && (suffix != "ion" || stem.ends_with('s') || stem.ends_with('t'));
                    });
}

std::string final_e(const std::string& word) {
  if (!word.ends_with('e')) return word;
  const std::string stem = word.substr(0, word.size() - 1);
  const int m = measure(stem);
  return m > 1 || (m == 1 && !ends_short(stem)) ? stem : word;
}

std::string final_double_l(const std::string& word) {
  return first_rule(word, {{"ll", "l"}}, [&](std::string_view, std::string_view) {
    return measure(std::string_view(word).substr(0, word.size() - 1)) > 1;
  });
}

}  // namespace

std::string porter_stem(std::string_view word) {
  static const std::unordered_map<std::string_view, std::string_view> irregular = {
      {"sky", "sky"},        {"skies", "sky"},       {"dying", "die"},        {"lying", "lie"},
      {"tying", "tie"},      {"news", "news"},       {"innings", "inning"},   {"inning", "inning"},
      {"outings", "outing"}, {"outing", "outing"},   {"cannings", "canning"}, {"canning", "canning"},
      {"howe", "howe"},      {"proceed", "proceed"}, {"exceed", "exceed"},    {"succeed", "succeed"}};
  if (const auto found = irregular.find(word); found != irregular.end()) return std::string(found->second);
  std::string stem(word);
  if (stem.size() <= 2) return stem;
  for (const auto step :
       {plural, past_and_participle, final_y, double_suffix, adjective_suffix, last_suffix, final_e, final_double_l})
    stem = step(stem);
  return stem;
}

}  // namespace lethe
