#include <optional>

#include "core/error.h"
#include "tokenizers/charsmap.h"
#include "tokenizers/components.h"

namespace lethe {
namespace {

Normalizer in_order(std::vector<Normalizer> steps) {
  return [steps = std::move(steps)](NormalizedText& text) {
    for (const Normalizer& step : steps) step(text);
  };
}

Normalizer make_normalizer_sequence(const Json& part) {
  std::vector<Normalizer> steps;
  for (const Json& step : component_steps(part, "normalizers")) {
    component_type(step);  // null is allowed as no normalizer, but not as a step
    steps.push_back(make_normalizer(step));
  }
  return in_order(std::move(steps));
}

Normalizer make_prepend(const Json& part) {
  return [prefix = component_affix(part, "prepend")](NormalizedText& text) { text.prepend(prefix); };
}

Normalizer make_replacing(const Json& part) {
  return [find = make_finder(component_key(part, "pattern")),
          content = component_affix(part, "content")](NormalizedText& text) {
    std::vector<ByteRange> found;
    find(text.text(), found);
    text.replace(found, content);
  };
}

// A text with only characters below `unchanged` is already in the form.
Normalizer to_form(NormalForm form, char32_t unchanged) {
  return [=](NormalizedText& text) {
    bool changes = false;
    if (!is_ascii(text.text())) {
      for (std::size_t at = 0; at < text.text().size() && !changes;)
        changes = next_character(text.text(), at) >= unchanged;
    }
    if (changes) text.transform(normal_form(text.text(), form));
  };
}

void to_lowercase(NormalizedText& text) {
  std::vector<ChangedCharacter> characters;
  for (std::size_t at = 0; at < text.text().size();) append_lowercase(characters, next_character(text.text(), at));
  text.transform(characters);
}

void strip(NormalizedText& text, bool left, bool right) {
  const std::string& old = text.text();
  std::size_t begin = 0, end = old.size();
  for (std::size_t next = 0; left && next < end && is_white_space(next_character(old, next));) begin = next;
  for (std::size_t next = end; right && next > begin && is_white_space(previous_character(old, next));) end = next;
  if (begin > 0 || end < old.size()) text = text.slice(begin, end);
}

Normalizer make_strip_normalizer(const Json& part) {
  return [left = component_flag(part, "strip_left", true),
          right = component_flag(part, "strip_right", true)](NormalizedText& text) { strip(text, left, right); };
}

void clean_like_bert(NormalizedText& text) {
  const auto spaces = [](char32_t c) { return c == '\t' || c == '\n' || c == '\r'; };
  text.filter([&](char32_t c) { return spaces(c) || (c != 0 && c != 0xFFFD && !is_other(c)); });
  std::vector<ChangedCharacter> characters;
  for (std::size_t at = 0; at < text.text().size();) {
    const char32_t c = next_character(text.text(), at);
    characters.push_back({is_white_space(c) ? U' ' : c, 0});
  }
  text.transform(characters);
}

// Source: BERT's tokenization.py, _is_chinese_char (its gap between U+2B820 and U+2B91F included, as `tokenizers` has
// it)
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

void space_around_chinese(NormalizedText& text) {
  if (is_ascii(text.text())) return;
  std::vector<ChangedCharacter> characters;
  for (std::size_t at = 0; at < text.text().size();) {
    const char32_t c = next_character(text.text(), at);
    if (is_chinese(c)) {
      characters.insert(characters.end(), {{U' ', 0}, {c, 1}, {U' ', 1}});
    } else {
      characters.push_back({c, 0});
    }
  }
  text.transform(characters);
}

Normalizer make_bert_normalizer(const Json& part) {
  const bool lowercase = component_flag(part, "lowercase", true);
  std::vector<Normalizer> steps;
  if (component_flag(part, "clean_text", true)) steps.emplace_back(clean_like_bert);
  if (component_flag(part, "handle_chinese_chars", true)) steps.emplace_back(space_around_chinese);
  if (component_flag(part, "strip_accents", lowercase)) {
    steps.push_back(to_form(NormalForm::d, 0x80));
    steps.emplace_back([](NormalizedText& text) { text.filter([](char32_t c) { return !is_nonspacing_mark(c); }); });
  }
  if (lowercase) steps.emplace_back(to_lowercase);
  return in_order(std::move(steps));
}

// SentencePiece's nmt rule: removes control characters, and maps other spaces to " ".
void normalize_like_nmt(NormalizedText& text) {
  text.filter([](char32_t c) {
    return !((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F);
  });
  std::vector<ChangedCharacter> characters;
  for (std::size_t at = 0; at < text.text().size();) {
    const char32_t c = next_character(text.text(), at);
    const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                       (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF ||
                       c == 0xFFFD;
    characters.push_back({space ? U' ' : c, 0});
  }
  text.transform(characters);
}

}  // namespace

Normalizer make_normalizer(const Json& part) {
  if (part.is_null()) return {};
  const std::string type = component_type(part);
  if (type == "Sequence") return make_normalizer_sequence(part);
  if (type == "Prepend") return make_prepend(part);
  if (type == "Replace") return make_replacing(part);
  if (type == "NFC") return to_form(NormalForm::c, 0x300);
  if (type == "NFD") return to_form(NormalForm::d, 0x80);
  if (type == "NFKC") return to_form(NormalForm::kc, 0x80);
  if (type == "NFKD") return to_form(NormalForm::kd, 0x80);
  if (type == "Lowercase") return to_lowercase;
  if (type == "Strip") return make_strip_normalizer(part);
  if (type == "StripAccents") {
    return [](NormalizedText& text) { text.filter([](char32_t c) { return c < 0x300 || !is_mark(c); }); };
  }
  if (type == "BertNormalizer") return make_bert_normalizer(part);
  if (type == "Nmt") return normalize_like_nmt;
  if (type == "Precompiled") return make_charsmap(component_string(part, "precompiled_charsmap"));
  refuse_component("normalizer", part);
}

}  // namespace lethe
