#include "data/words.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace lethe {
namespace {

bool is_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

/// Decodes the character at `at` and moves past it; -1 if the bytes are not UTF-8.
utf8proc_int32_t next_character(std::string_view text, std::size_t& at) {
  utf8proc_int32_t character = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &character);
  at += length > 0 ? static_cast<std::size_t>(length) : 1;
  return length > 0 ? character : -1;
}

bool is_space(utf8proc_int32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  const auto category = utf8proc_category(c);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool is_word(utf8proc_int32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  const auto category = utf8proc_category(c);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

std::string fold(std::string_view text) {
  std::string folded(text);
  if (is_ascii(text)) {
    for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return folded;
  }
  utf8proc_uint8_t* raw = nullptr;
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD);
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &raw, options);
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owned(raw, std::free);
  if (length >= 0) folded.assign(reinterpret_cast<const char*>(raw), static_cast<std::size_t>(length));
  return folded;
}

}  // namespace

bool is_utf8(std::string_view text) {
  if (is_ascii(text)) return true;
  for (std::size_t at = 0; at < text.size();) {
    if (next_character(text, at) < 0) return false;
  }
  return true;
}

std::u32string characters_of(std::string_view text) {
  std::u32string characters;
  for (std::size_t at = 0; at < text.size();) {
    const utf8proc_int32_t character = next_character(text, at);
    characters += character < 0 ? U'\uFFFD' : static_cast<char32_t>(character);
  }
  return characters;
}

std::string normal_form(std::string_view text) {
  const std::string folded = fold(text);
  std::string out;
  bool gap = false;
  for (std::size_t at = 0; at < folded.size();) {
    const std::size_t begin = at;
    if (is_space(next_character(folded, at))) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    out.append(folded, begin, at - begin);
  }
  return out;
}

std::vector<std::string> words_of(std::string_view normal_form, int min_characters) {
  std::vector<std::string> words;
  std::string word;
  int characters = 0;
  const auto finish = [&] {
    if (characters >= min_characters && characters > 0) words.push_back(word);
    word.clear();
    characters = 0;
  };
  for (std::size_t at = 0; at < normal_form.size();) {
    const std::size_t begin = at;
    if (is_word(next_character(normal_form, at))) {
      word.append(normal_form, begin, at - begin);
      ++characters;
    } else {
      finish();
    }
  }
  finish();
  return words;
}

std::vector<std::string> words_and_numbers_of(std::string_view normal_form) {
  enum class Kind { none, letter, digit };
  std::string apart;
  Kind before = Kind::none;
  for (std::size_t at = 0; at < normal_form.size();) {
    const std::size_t begin = at;
    const auto category = utf8proc_category(next_character(normal_form, at));
    const bool mark = category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
    const bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
    const bool digit = category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
    const Kind kind = letter ? Kind::letter : digit ? Kind::digit : mark ? before : Kind::none;
    if (kind != before && kind != Kind::none && before != Kind::none) apart += ' ';
    before = kind;
    if (normal_form[begin] == '_') {
      apart += ' ';
    } else {
      apart.append(normal_form, begin, at - begin);
    }
  }
  return words_of(apart);
}

std::string without_format_characters(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (utf8proc_category(next_character(text, at)) != UTF8PROC_CATEGORY_CF) out.append(text, begin, at - begin);
  }
  return out;
}

}  // namespace lethe
