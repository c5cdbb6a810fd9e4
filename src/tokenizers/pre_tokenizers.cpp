#include <memory>

#include "core/error.h"
#include "core/regex.h"
#include "tokenizers/byte_level.h"
#include "tokenizers/components.h"
#include "tokenizers/splitting.h"

namespace lethe {
namespace {

PreTokenizer cutting(Finder find, Delimiter delimiter, bool invert = false) {
  return [find = std::move(find), delimiter, invert](CutText& text) { cut(text, find, delimiter, invert); };
}

PreTokenizer cutting(const char* pattern, Delimiter delimiter, bool invert = false) {
  return cutting(make_finder({{"Regex", pattern}}), delimiter, invert);
}

PreTokenizer in_order(std::vector<PreTokenizer> steps) {
  return [steps = std::move(steps)](CutText& text) {
    for (const PreTokenizer& step : steps) step(text);
  };
}

PreTokenizer make_pre_tokenizer_sequence(const Json& part) {
  std::vector<PreTokenizer> steps;
  for (const Json& step : component_steps(part, "pretokenizers")) {
    component_type(step);  // null is allowed as no pre-tokenizer, but not as a step
    steps.push_back(make_pre_tokenizer(step));
  }
  return in_order(std::move(steps));
}

PreTokenizer make_split(const Json& part) {
  return cutting(make_finder(component_key(part, "pattern")), delimiter_named(component_string(part, "behavior"), part),
                 component_flag(part, "invert", false));
}

// Rewrites each piece; `write` adds it to the builder.
template <typename Write>
void rewrite(CutText& text, Write write) {
  NormalizedText::Builder builder(text.text);
  for (auto& [begin, end] : text.pieces) {
    const std::size_t from = builder.size();
    write(builder, begin, end);
    begin = from;
    end = builder.size();
  }
  text.text = std::move(builder).done();
}

PreTokenizer make_byte_level(const Json& part) {
  PreTokenizer words;
  if (component_flag(part, "use_regex", true)) {
    words =
        cutting(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", Delimiter::isolated);
  }
  return [words, prefix_space = component_flag(part, "add_prefix_space", true)](CutText& text) {
    const std::string& old = text.text.text();
    if (prefix_space) {
      rewrite(text, [&](NormalizedText::Builder& builder, std::size_t begin, std::size_t end) {
        if (old[begin] != ' ') builder.add(" ", begin);
        builder.keep(begin, end);
      });
    }
    if (words) words(text);
    rewrite(text, [&](NormalizedText::Builder& builder, std::size_t begin, std::size_t end) {
      for (std::size_t at = begin; at < end; ++at) {
        builder.add(character_of_byte(static_cast<unsigned char>(text.text.text()[at])), at);
      }
    });
  };
}

PreTokenizer make_metaspace_cut(const Json& part) {
  const std::string mark = component_affix(part, "replacement");
  std::string scheme = part.contains("prepend_scheme") ? component_string(part, "prepend_scheme") : "always";
  if (!component_flag(part, "add_prefix_space", true)) scheme = "never";
  if (scheme != "always" && scheme != "first" && scheme != "never") refuse_component("pre-tokenizer", part);
  return [=, marks = find_text(mark), split = component_flag(part, "split", true)](CutText& text) {
    rewrite(text, [&](NormalizedText::Builder& builder, std::size_t begin, std::size_t end) {
      const std::string_view old = text.text.text();
      const std::string_view piece = old.substr(begin, end - begin);
      const bool wanted = scheme == "always" || (scheme == "first" && text.text.original(begin, end).first == 0);
      if (wanted && piece[0] != ' ' && !piece.starts_with(mark)) builder.add(mark, begin);
      for (std::size_t at = begin; at < end;) {
        const std::size_t space = std::min(old.find(' ', at), end);
        builder.keep(at, space);
        if (space < end) builder.add(mark, space);
        at = space + 1;
      }
    });
    if (split) cut(text, marks, Delimiter::merged_with_next);
  };
}

PreTokenizer make_delimiter_split(const Json& part) {
  const std::string delimiter = component_string(part, "delimiter");
  return cutting(find_text(delimiter), Delimiter::removed);
}

// Finds runs of word characters, and runs of other characters except white space, which is dropped.
void find_words_and_signs(std::string_view text, std::vector<ByteRange>& found) {
  found.clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t first = next_character(text, at);
    if (is_white_space(first)) continue;
    const bool word = is_word_character(first);
    for (std::size_t next = at; at < text.size(); at = next) {
      const char32_t character = next_character(text, next);
      if (is_word_character(character) != word || is_white_space(character)) break;
    }
    found.emplace_back(begin, at);
  }
}

PreTokenizer make_fixed_length(const Json& part) {
  const std::size_t length = part.contains("length") ? component_count(part, "length") : 5;
  if (length == 0) refuse_component("pre-tokenizer", part);
  return cutting(
      [length](std::string_view text, std::vector<ByteRange>& found) {
        found.clear();
        for (std::size_t at = 0; at < text.size();) {
          const std::size_t begin = at;
          for (std::size_t i = 0; i < length && at < text.size(); ++i) next_character(text, at);
          found.emplace_back(begin, at);
        }
      },
      Delimiter::isolated);
}

}  // namespace

PreTokenizer make_pre_tokenizer(const Json& part) {
  if (part.is_null()) return {};
  const std::string type = component_type(part);
  if (type == "Sequence") return make_pre_tokenizer_sequence(part);
  if (type == "ByteLevel") return make_byte_level(part);
  if (type == "Metaspace") return make_metaspace_cut(part);
  if (type == "Split") return make_split(part);
  if (type == "Digits") {
    return cutting(find_characters(is_number),
                   component_flag(part, "individual_digits", false) ? Delimiter::isolated : Delimiter::contiguous);
  }
  if (type == "Punctuation") {
    return cutting(find_characters(is_punctuation), part.contains("behavior")
                                                        ? delimiter_named(component_string(part, "behavior"), part)
                                                        : Delimiter::isolated);
  }
  if (type == "Whitespace") return cutting(find_words_and_signs, Delimiter::removed, true);
  if (type == "WhitespaceSplit") return cutting(find_characters(is_white_space), Delimiter::removed);
  if (type == "BertPreTokenizer") {
    return in_order({cutting(find_characters(is_white_space), Delimiter::removed),
                     cutting(find_characters(is_punctuation), Delimiter::isolated)});
  }
  if (type == "CharDelimiterSplit") return make_delimiter_split(part);
  if (type == "FixedLength") return make_fixed_length(part);
  refuse_component("pre-tokenizer", part);
}

}  // namespace lethe
