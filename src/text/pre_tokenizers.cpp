#include <algorithm>
#include <memory>

#include "core/error.h"
#include "core/regex.h"
#include "text/byte_level.h"
#include "text/components.h"

namespace lethe {
namespace {

using Pieces = std::vector<NormalizedText>;

enum class Delimiter { removed, isolated, merged_with_previous, merged_with_next, contiguous };

struct Stretch {
  ByteRange range;
  bool is_match;
};

std::vector<Stretch> stretches(const std::string& text, const std::vector<ByteRange>& matches, bool invert) {
  std::vector<Stretch> all;
  std::size_t at = 0;
  for (const ByteRange& match : matches) {
    if (at < match.first) all.push_back({{at, match.first}, invert});
    all.push_back({match, !invert});
    at = match.second;
  }
  if (at < text.size()) all.push_back({{at, text.size()}, invert});
  return all;
}

// Joins each match to its neighbour before it (in the order given), unless that neighbour ends in a match itself.
std::vector<ByteRange> joined(const std::vector<Stretch>& all, bool backwards) {
  std::vector<ByteRange> result;
  bool after_match = false;
  for (const Stretch& stretch : all) {
    if (stretch.is_match && !after_match && !result.empty()) {
      (backwards ? result.back().first : result.back().second) = backwards ? stretch.range.first : stretch.range.second;
    } else {
      result.push_back(stretch.range);
    }
    after_match = stretch.is_match;
  }
  return result;
}

Pieces split(const NormalizedText& text, const std::vector<ByteRange>& matches, Delimiter delimiter,
             bool invert = false) {
  std::vector<Stretch> all = stretches(text.text(), matches, invert);
  std::vector<ByteRange> ranges;
  if (delimiter == Delimiter::merged_with_previous) {
    ranges = joined(all, false);
  } else if (delimiter == Delimiter::merged_with_next) {
    std::reverse(all.begin(), all.end());
    ranges = joined(all, true);
    std::reverse(ranges.begin(), ranges.end());
  } else {
    bool after_match = false;
    for (const Stretch& stretch : all) {
      if (delimiter == Delimiter::removed && stretch.is_match) continue;
      if (delimiter == Delimiter::contiguous && !ranges.empty() && stretch.is_match == after_match) {
        ranges.back().second = stretch.range.second;
      } else {
        ranges.push_back(stretch.range);
      }
      after_match = stretch.is_match;
    }
  }
  Pieces pieces;
  for (const auto& [begin, end] : ranges) pieces.push_back(text.slice(begin, end));
  return pieces;
}

Delimiter delimiter_named(const Json& part) {
  const std::string name = component_string(part, "behavior");
  if (name == "Removed") return Delimiter::removed;
  if (name == "Isolated") return Delimiter::isolated;
  if (name == "MergedWithPrevious") return Delimiter::merged_with_previous;
  if (name == "MergedWithNext") return Delimiter::merged_with_next;
  if (name == "Contiguous") return Delimiter::contiguous;
  refuse_component("pre-tokenizer", part);
}

PreTokenizer split_by(const char* pattern, Delimiter delimiter, bool invert = false) {
  const auto regex = std::make_shared<const Regex>(pattern);
  return [=](const NormalizedText& text) { return split(text, regex->matches(text.text()), delimiter, invert); };
}

PreTokenizer in_sequence(std::vector<PreTokenizer> steps) {
  return [steps = std::move(steps)](NormalizedText text) {
    Pieces pieces;
    pieces.push_back(std::move(text));
    for (const PreTokenizer& step : steps) {
      Pieces next;
      for (NormalizedText& piece : pieces) {
        for (NormalizedText& part : step(std::move(piece))) {
          if (!part.empty()) next.push_back(std::move(part));
        }
      }
      pieces = std::move(next);
    }
    return pieces;
  };
}

PreTokenizer make_split(const Json& part) {
  return [find = make_finder(component_key(part, "pattern")), delimiter = delimiter_named(part),
          invert = component_flag(part, "invert", false)](const NormalizedText& text) {
    return split(text, find(text.text()), delimiter, invert);
  };
}

void to_byte_characters(NormalizedText& text) {
  std::vector<ChangedCharacter> characters;
  const std::string& bytes = text.text();
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = at + character_length(bytes[at]);
    for (std::size_t i = at; i < end; ++i) {
      characters.push_back({character_of_byte(static_cast<unsigned char>(bytes[i])), i > at});
    }
    at = end;
  }
  text.transform(characters);
}

PreTokenizer make_byte_level(const Json& part) {
  std::shared_ptr<const Regex> words;
  if (component_flag(part, "use_regex", true)) {
    words =
        std::make_shared<const Regex>(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)");
  }
  return [words, prefix_space = component_flag(part, "add_prefix_space", true)](NormalizedText text) {
    if (prefix_space && !text.text().starts_with(' ')) text.prepend(" ");
    Pieces pieces;
    if (words) {
      pieces = split(text, words->matches(text.text()), Delimiter::isolated);
    } else {
      pieces.push_back(std::move(text));
    }
    for (NormalizedText& piece : pieces) to_byte_characters(piece);
    return pieces;
  };
}

PreTokenizer make_metaspace(const Json& part) {
  const std::string mark = component_string(part, "replacement");
  std::string scheme = part.contains("prepend_scheme") ? component_string(part, "prepend_scheme") : "always";
  if (!component_flag(part, "add_prefix_space", true)) scheme = "never";
  if (scheme != "always" && scheme != "first" && scheme != "never") refuse_component("pre-tokenizer", part);
  const Finder spaces = make_finder(Json{{"String", " "}}), marks = make_finder(Json{{"String", mark}});
  return [=, cut = component_flag(part, "split", true)](NormalizedText text) {
    text.replace(spaces(text.text()), mark);
    const bool wanted = scheme == "always" || (scheme == "first" && text.original_begin() == 0);
    if (wanted && !text.text().starts_with(mark)) text.prepend(mark);
    if (cut) return split(text, marks(text.text()), Delimiter::merged_with_next);
    Pieces whole;
    whole.push_back(std::move(text));
    return whole;
  };
}

const char* const kPunctuation = R"([!-/:-@\[-`{-~\p{P}])";

}  // namespace

PreTokenizer make_pre_tokenizer(const Json& part) {
  if (part.is_null()) return {};
  const std::string type = component_type(part);
  if (type == "Sequence") {
    std::vector<PreTokenizer> steps;
    for (const Json& step : component_key(part, "pretokenizers")) steps.push_back(make_pre_tokenizer(step));
    return in_sequence(std::move(steps));
  }
  if (type == "ByteLevel") return make_byte_level(part);
  if (type == "Metaspace") return make_metaspace(part);
  if (type == "Split") return make_split(part);
  if (type == "Digits") {
    return split_by(R"(\p{N})",
                    component_flag(part, "individual_digits", false) ? Delimiter::isolated : Delimiter::contiguous);
  }
  if (type == "Punctuation") {
    return split_by(kPunctuation, part.contains("behavior") ? delimiter_named(part) : Delimiter::isolated);
  }
  if (type == "Whitespace") return split_by(R"(\w+|[^\w\s]+)", Delimiter::removed, true);
  if (type == "WhitespaceSplit") return split_by(R"(\s)", Delimiter::removed);
  if (type == "BertPreTokenizer") {
    return in_sequence({split_by(R"(\s)", Delimiter::removed), split_by(kPunctuation, Delimiter::isolated)});
  }
  refuse_component("pre-tokenizer", part);
}

}  // namespace lethe
