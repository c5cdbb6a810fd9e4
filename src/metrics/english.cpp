#include "metrics/english.h"

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "data/words.h"

extern "C" {
extern const char lethe_english_letters[], lethe_english_letters_end[];
extern const char lethe_english_word_order[], lethe_english_word_order_end[];
}

namespace lethe {
namespace {

// Levels of the tables, as in tools/fixtures/english.py.
constexpr double kStep = 0.14, kOrderLow = -6.3, kLetterLow = -12.6;
constexpr char kFirst = 35;
constexpr std::size_t kLetters =
    27;  // before a letter: the word's beginning or a letter; after one: a letter or the end

double value_of(char level, double low) {
  return low + kStep * (level - kFirst);
}

std::vector<std::string_view> lines_of(const char* begin, const char* end) {
  std::vector<std::string_view> lines;
  while (begin < end) {
    const char* stop = std::find(begin, end, '\n');
    lines.emplace_back(begin, stop);
    begin = stop + 1;
  }
  return lines;
}

std::vector<std::string> split_words(std::string_view line) {
  std::istringstream stream{std::string(line)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// The table of word_order.txt: the classes in its first two lines, then a line a class before, a level a class after.
class OrderTable {
 public:
  OrderTable() {
    std::vector<std::string_view> lines = lines_of(lethe_english_word_order, lethe_english_word_order_end);
    for (const std::string& word : split_words(lines.at(0))) {
      const auto next = classes_.size();
      classes_.emplace(word, next);
    }
    endings_ = split_words(lines.at(1));
    rows_.assign(lines.begin() + 2, lines.end());
  }

  std::size_t other() const { return classes_.size() + endings_.size(); }
  std::size_t boundary() const { return other() + 2; }
  bool is_common(std::size_t of) const { return of < classes_.size(); }
  double gain(std::size_t before, std::size_t after) const { return value_of(rows_.at(before).at(after), kOrderLow); }

  std::size_t class_of(const std::string& word) const {
    if (const auto found = classes_.find(word); found != classes_.end()) return found->second;
    if (std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; })) return other() + 1;
    for (std::size_t i = 0; i < endings_.size(); ++i) {
      if (word.size() >= endings_[i].size() + 3 && word.ends_with(endings_[i])) return classes_.size() + i;
    }
    return other();
  }

 private:
  std::unordered_map<std::string, std::size_t> classes_;
  std::vector<std::string> endings_;
  std::vector<std::string_view> rows_;
};

const OrderTable& order_table() {
  static const OrderTable table;
  return table;
}

// A word's characters in a normal form: letters and digits of any script. An underscore is none.
bool is_word_byte(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

// What stands within a sentence without beginning a new part.
bool is_within(unsigned char c) {
  return c == ' ' || c == '-' || c == '\'' || c == '"' || c == '`';
}

// What stands for a typographic mark with this last byte: U+2013, 2014, 2018, 2019, 201C and 201D; 0: for none.
char plain_mark(unsigned char last) {
  switch (last) {
    case 0x93:
    case 0x94:
      return ',';
    case 0x98:
    case 0x99:
      return '\'';
    case 0x9C:
    case 0x9D:
      return '"';
    default:
      return '\0';
  }
}

// The normal form with typographic quotes and dashes as plain ones, so that contractions are one word.
std::string plain(std::string_view text) {
  constexpr std::string_view kLead = "\xE2\x80";  // of all of them
  const std::string form = normal_form(text);
  std::string out;
  for (std::size_t at = 0; at < form.size();) {
    const bool mark = at + 2 < form.size() && form.compare(at, 2, kLead) == 0;
    const char ascii = mark ? plain_mark(static_cast<unsigned char>(form[at + 2])) : '\0';
    out += ascii != '\0' ? ascii : form[at];
    at += ascii != '\0' ? 3 : 1;
  }
  return out;
}

}  // namespace

double english_spelling(std::string_view word) {
  static const std::vector<std::string_view> rows = lines_of(lethe_english_letters, lethe_english_letters_end);
  if (word.empty()) return 0;
  std::size_t first = 0, second = 0;  // 0: the beginning
  double sum = 0;
  for (std::size_t i = 0; i <= word.size(); ++i) {
    const bool end = i == word.size();
    if (!end && (word[i] < 'a' || word[i] > 'z')) return kLetterLow;
    const std::size_t letter = end ? kLetters - 1 : static_cast<std::size_t>(word[i] - 'a');
    sum += value_of(rows.at(first * kLetters + second).at(letter), kLetterLow);
    first = second;
    second = letter + 1;
  }
  return sum / static_cast<double>(word.size() + 1);
}

WordOrder english_order(std::string_view text) {
  const OrderTable& table = order_table();
  const std::string form = plain(text);
  WordOrder order;
  double sum = 0;
  std::size_t before = table.boundary();
  for (std::size_t at = 0; at < form.size();) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(form[i]); };
    if (!is_word_byte(byte(at))) {
      if (!is_within(byte(at))) before = table.boundary();
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < form.size() &&
           (is_word_byte(byte(at)) || (form[at] == '\'' && at + 1 < form.size() && is_word_byte(byte(at + 1)))))
      ++at;
    const std::size_t now = table.class_of(form.substr(begin, at - begin));
    sum += table.gain(before, now);
    order.common_words += table.is_common(now);
    ++order.words;
    before = now;
  }
  if (order.words > 0) order.gain = sum / static_cast<double>(order.words);
  return order;
}

}  // namespace lethe
