#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <numeric>

#include "core/error.h"
#include "tokenizers/byte_level.h"
#include "tokenizers/components.h"

namespace lethe {
namespace {

using Pieces = std::vector<std::string>;

std::string replaced(const std::string& text, const std::vector<ByteRange>& ranges, std::string_view content) {
  std::string result;
  std::size_t at = 0;
  if (content.size() * ranges.size() > most_bytes_made_of(text.size()))
    throw bad_input("cannot decode: a replacement makes too much of a text").found(excerpt(content));
  for (const auto& [begin, end] : ranges) {
    result.append(text, at, begin - at);
    result += content;
    at = end;
  }
  return result.append(text, at, std::string::npos);
}

// A piece with characters outside the byte-level alphabet (an added token) stays unchanged.
Pieces decode_byte_level(const Pieces& pieces) {
  std::string bytes;
  for (const std::string& piece : pieces) bytes += bytes_of_characters(piece).value_or(piece);
  return {valid_utf8(bytes)};
}

// "<0xE4>" -> the byte; else -1
int byte_of_piece(const std::string& piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return -1;
  char* end = nullptr;
  const std::string digits = piece.substr(3, 2);
  const long value = std::strtol(digits.c_str(), &end, 16);
  return end == digits.c_str() + 2 ? static_cast<int>(value) : -1;
}

// Runs of byte pieces become their text, or one U+FFFD per byte if they are not UTF-8.
Pieces decode_byte_fallback(const Pieces& pieces) {
  Pieces result;
  std::string run;
  const auto flush = [&] {
    if (run.empty()) return;
    if (valid_utf8(run) == run) {
      result.push_back(run);
    } else {
      for (std::size_t i = 0; i < run.size(); ++i) result.emplace_back("\xEF\xBF\xBD");
    }
    run.clear();
  };
  for (const std::string& piece : pieces) {
    const int byte = byte_of_piece(piece);
    if (byte >= 0) {
      run += static_cast<char>(byte);
      continue;
    }
    flush();
    result.push_back(piece);
  }
  flush();
  return result;
}

void replace_all(std::string& text, const Finder& find, std::string_view content) {
  std::vector<ByteRange> found;
  find(text, found);
  if (!found.empty()) text = replaced(text, found, content);
}

std::size_t bytes_of(const Pieces& pieces) {
  return std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                         [](std::size_t sum, const std::string& piece) { return sum + piece.size(); });
}

[[noreturn]] void refuse_growth(std::size_t most) {
  throw bad_input("cannot decode: the tokenizer's rules make too much of a text")
      .wanted("at most " + with_commas(most) + " bytes")
      .found("more");
}

Decoder make_replace(const Json& part) {
  return
      [find = make_finder(component_key(part, "pattern")), content = component_affix(part, "content")](Pieces pieces) {
        const std::size_t most = most_bytes_made_of(bytes_of(pieces));
        std::size_t made = 0;
        for (std::string& piece : pieces) {
          replace_all(piece, find, content);
          made += piece.size();
          if (made > most) refuse_growth(most);
        }
        return pieces;
      };
}

Decoder make_metaspace(const Json& part) {
  const std::string mark = component_affix(part, "replacement");
  const bool prepends = component_flag(part, "add_prefix_space", true) &&
                        (!part.contains("prepend_scheme") || component_string(part, "prepend_scheme") != "never");
  return [find = find_text(mark), prepends](Pieces pieces) {
    for (std::size_t i = 0; i < pieces.size(); ++i) replace_all(pieces[i], find, i == 0 && prepends ? "" : " ");
    return pieces;
  };
}

// Removes spaces that English does not write. Source: the clean-up of WordPiece's decoder in `tokenizers`, in its
// order.
void clean_up(std::string& text) {
  static const std::vector<std::pair<Finder, std::string>> steps = [] {
    std::vector<std::pair<Finder, std::string>> all;
    for (const auto& [from, to] : std::initializer_list<std::pair<const char*, const char*>>{{" .", "."},
                                                                                             {" ?", "?"},
                                                                                             {" !", "!"},
                                                                                             {" ,", ","},
                                                                                             {" ' ", "'"},
                                                                                             {" n't", "n't"},
                                                                                             {" 'm", "'m"},
                                                                                             {" do not", " don't"},
                                                                                             {" 's", "'s"},
                                                                                             {" 've", "'ve"},
                                                                                             {" 're", "'re"}})
      all.emplace_back(find_text(from), to);
    return all;
  }();
  if (text.find(' ') == std::string::npos) return;
  for (const auto& [find, to] : steps) replace_all(text, find, to);
}

Decoder make_word_piece_decoder(const Json& part) {
  return [prefix = part.contains("prefix") ? component_string(part, "prefix") : "##",
          cleanup = component_flag(part, "cleanup", true)](Pieces pieces) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0 && pieces[i].starts_with(prefix)) {
        pieces[i].erase(0, prefix.size());
      } else if (i > 0) {
        pieces[i].insert(0, " ");
      }
      if (cleanup) clean_up(pieces[i]);
    }
    return pieces;
  };
}

Decoder make_bpe_decoder(const Json& part) {
  return [suffix = find_text(part.contains("suffix") ? component_string(part, "suffix") : "</w>")](Pieces pieces) {
    for (std::size_t i = 0; i < pieces.size(); ++i) replace_all(pieces[i], suffix, i + 1 == pieces.size() ? "" : " ");
    return pieces;
  };
}

// Connectionist temporal classification: repeated tokens are merged.
Decoder make_ctc(const Json& part) {
  const auto text = [&](const char* key, const char* otherwise) {
    return part.contains(key) ? component_string(part, key) : std::string(otherwise);
  };
  return [pad = find_text(text("pad_token", "<pad>")), delimiter = find_text(text("word_delimiter_token", "|")),
          cleanup = component_flag(part, "cleanup", true)](Pieces pieces) {
    pieces.erase(std::unique(pieces.begin(), pieces.end()), pieces.end());
    for (std::string& piece : pieces) {
      replace_all(piece, pad, "");
      if (!cleanup) continue;
      clean_up(piece);
      replace_all(piece, delimiter, " ");
    }
    std::erase(pieces, "");
    return pieces;
  };
}

Decoder make_strip(const Json& part) {
  return [mark = component_string(part, "content"), front = component_count(part, "start"),
          back = component_count(part, "stop")](Pieces pieces) {
    for (std::string& piece : pieces) {
      std::size_t begin = 0, end = piece.size();
      const std::string_view text = piece;
      for (std::size_t i = 0; i < front && !mark.empty() && text.substr(begin).starts_with(mark); ++i)
        begin += mark.size();
      for (std::size_t i = 0; i < back && !mark.empty() && text.substr(begin, end - begin).ends_with(mark); ++i)
        end -= mark.size();
      piece = piece.substr(begin, end - begin);
    }
    return pieces;
  };
}

Pieces fuse(const Pieces& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return {text};
}

}  // namespace

namespace {

Decoder make_step(const std::string& type, const Json& part) {
  if (type == "ByteLevel") return decode_byte_level;
  if (type == "ByteFallback") return decode_byte_fallback;
  if (type == "Replace") return make_replace(part);
  if (type == "Metaspace") return make_metaspace(part);
  if (type == "Strip") return make_strip(part);
  if (type == "Fuse") return fuse;
  if (type == "WordPiece") return make_word_piece_decoder(part);
  if (type == "BPEDecoder") return make_bpe_decoder(part);
  if (type == "CTC") return make_ctc(part);
  refuse_component("decoder", part);
}

// Flattens nested sequences.
void append_steps(const Json& part, std::vector<Decoder>& steps) {
  const std::string type = component_type(part);
  if (type != "Sequence") return steps.push_back(make_step(type, part));
  for (const Json& step : component_steps(part, "decoders")) append_steps(step, steps);
}

}  // namespace

Decoder make_decoder(const Json& part) {
  if (part.is_null()) return {};
  std::vector<Decoder> steps;
  append_steps(part, steps);
  return [steps = std::move(steps)](Pieces pieces) {
    const std::size_t most = most_bytes_made_of(bytes_of(pieces));
    for (const Decoder& step : steps) {
      pieces = step(std::move(pieces));
      if (bytes_of(pieces) > most) refuse_growth(most);
    }
    return pieces;
  };
}

}  // namespace lethe
