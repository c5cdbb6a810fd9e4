#include "metrics/bleu.h"

#include <cmath>
#include <cstdlib>
#include <map>

#include "core/error.h"
#include "core/replace_all.h"

namespace lethe {
namespace {

/// Length of the white space character (by Unicode and Python's str.split()) that begins the text, bytes; or 0.
std::size_t space_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0), second = byte(1), third = byte(2);
  if (text.empty()) return 0;
  if (first == ' ' || (first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x1F)) return 1;
  if (first == 0xC2 && (second == 0x85 || second == 0xA0)) return 2;
  if (first == 0xE1 && second == 0x9A && third == 0x80) return 3;  // ogham space
  if (first == 0xE2 && second == 0x80 &&
      ((third >= 0x80 && third <= 0x8A) || third == 0xA8 || third == 0xA9 || third == 0xAF))
    return 3;
  if (first == 0xE2 && second == 0x81 && third == 0x9F) return 3;
  if (first == 0xE3 && second == 0x80 && third == 0x80) return 3;  // ideographic space
  return 0;
}

std::vector<std::string> split_at_space(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t space = space_length(text.substr(at));
    if (space == 0) {
      word += text[at++];
      continue;
    }
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
    at += space;
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_stop(char c) {
  return c == '.' || c == ',';
}
/// ASCII punctuation except ' , - and . (including the space, which makes no difference).
bool stands_apart(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
         (c >= ':' && c <= '@') || c == '/';
}

/// Rewrites matching pairs of neighbouring bytes from left to right, without overlap. Bytes suffice: no byte of a
/// multi-byte character is a digit or a full stop.
template <class Matches, class Rewrite>
std::string rewrite_pairs(const std::string& text, Matches matches, Rewrite rewrite) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && matches(text[i], text[i + 1])) {
      result += rewrite(text[i], text[i + 1]);
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

using Grams = std::map<std::vector<std::string>, std::int64_t>;

Grams grams_up_to_four(const std::vector<std::string>& tokens) {
  Grams counts;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::vector<std::string> gram;
    for (std::size_t n = 0; n < 4 && i + n < tokens.size(); ++n) {
      gram.push_back(tokens[i + n]);
      ++counts[gram];
    }
  }
  return counts;
}

}  // namespace

std::vector<std::string> bleu_tokens(std::string_view text) {
  // Trailing white space goes first: a last "-\n" does not join.
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t space = space_length(text.substr(at));
    at += space == 0 ? 1 : space;
    if (space == 0) end = at;
  }
  std::string line(text.substr(0, end));
  replace_all(line, "<skipped>", "");
  replace_all(line, "-\n", "");
  replace_all(line, "\n", " ");
  if (line.find('&') != std::string::npos) {
    replace_all(line, "&quot;", "\"");
    replace_all(line, "&amp;", "&");
    replace_all(line, "&lt;", "<");
    replace_all(line, "&gt;", ">");
  }
  std::string apart = " ";
  for (const char c : line) apart += stands_apart(c) ? std::string{' ', c, ' '} : std::string{c};
  apart += ' ';
  apart = rewrite_pairs(
      apart, [](char a, char b) { return !is_digit(a) && is_stop(b); },
      [](char a, char b) {
        return std::string{a, ' ', b, ' '};
      });
  apart = rewrite_pairs(
      apart, [](char a, char b) { return is_stop(a) && !is_digit(b); },
      [](char a, char b) {
        return std::string{' ', a, ' ', b};
      });
  apart = rewrite_pairs(
      apart, [](char a, char b) { return is_digit(a) && b == '-'; },
      [](char a, char b) {
        return std::string{a, ' ', b, ' '};
      });
  return split_at_space(apart);
}

BleuCounts& BleuCounts::operator+=(const BleuCounts& other) {
  for (std::size_t n = 0; n < 4; ++n) {
    matched[n] += other.matched[n];
    total[n] += other.total[n];
  }
  response_tokens += other.response_tokens;
  reference_tokens += other.reference_tokens;
  return *this;
}

BleuCounts bleu_counts(std::string_view response, std::span<const std::string> references) {
  if (references.empty()) throw Error("cannot compute BLEU").wanted("at least one reference").found("none");
  BleuCounts counts;
  const std::vector<std::string> tokens = bleu_tokens(response);
  counts.response_tokens = static_cast<std::int64_t>(tokens.size());
  Grams most;  // per n-gram, its highest count in any reference
  std::int64_t nearest = -1;
  for (const std::string& reference : references) {
    const std::vector<std::string> theirs = bleu_tokens(reference);
    for (const auto& [gram, count] : grams_up_to_four(theirs)) most[gram] = std::max(most[gram], count);
    const auto length = static_cast<std::int64_t>(theirs.size());
    const auto distance = std::abs(length - counts.response_tokens);
    if (nearest < 0 || distance < nearest || (distance == nearest && length < counts.reference_tokens)) {
      nearest = distance;
      counts.reference_tokens = length;
    }
  }
  for (const auto& [gram, count] : grams_up_to_four(tokens)) {
    counts.total[gram.size() - 1] += count;
    if (const auto found = most.find(gram); found != most.end())
      counts.matched[gram.size() - 1] += std::min(count, found->second);
  }
  return counts;
}

double bleu_of(const BleuCounts& counts, bool effective_order) {
  if (counts.matched == std::array<std::int64_t, 4>{}) return 0;
  double brevity = 1;
  if (counts.response_tokens < counts.reference_tokens)
    brevity = std::exp(1 - static_cast<double>(counts.reference_tokens) / static_cast<double>(counts.response_tokens));
  double logarithms = 0, halves = 1;
  int orders = 0;
  for (std::size_t n = 0; n < 4; ++n) {
    if (counts.total[n] == 0) {
      if (!effective_order) return 0;
      break;
    }
    double matched = static_cast<double>(counts.matched[n]);
    if (counts.matched[n] == 0) matched = 1 / (halves *= 2);
    logarithms += std::log(100 * matched / static_cast<double>(counts.total[n]));
    ++orders;
  }
  return brevity * std::exp(logarithms / orders);
}

double corpus_bleu(std::span<const std::string> responses, std::span<const std::vector<std::string>> references) {
  BleuCounts sum;
  for (std::size_t i = 0; i < responses.size(); ++i) sum += bleu_counts(responses[i], references[i]);
  return bleu_of(sum);
}

double sentence_bleu(std::string_view response, std::span<const std::string> references) {
  return bleu_of(bleu_counts(response, references), true);
}

}  // namespace lethe
