#include <cstdlib>

#include "core/error.h"
#include "text/byte_level.h"
#include "text/components.h"

namespace lethe {
namespace {

using Pieces = std::vector<std::string>;

std::string replaced(const std::string& text, const std::vector<ByteRange>& ranges, std::string_view content) {
  std::string result;
  std::size_t at = 0;
  for (const auto& [begin, end] : ranges) {
    result.append(text, at, begin - at);
    result += content;
    at = end;
  }
  return result.append(text, at, std::string::npos);
}

// A piece whose characters are not byte-level's (an added token) stands for itself.
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

// Runs of byte pieces become their text, or one U+FFFD a byte where they are no UTF-8.
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

Decoder make_replace(const Json& part) {
  return
      [find = make_finder(component_key(part, "pattern")), content = component_string(part, "content")](Pieces pieces) {
        for (std::string& piece : pieces) piece = replaced(piece, find(piece), content);
        return pieces;
      };
}

Decoder make_metaspace(const Json& part) {
  const std::string mark = component_string(part, "replacement");
  const bool prepends = component_flag(part, "add_prefix_space", true) &&
                        (!part.contains("prepend_scheme") || component_string(part, "prepend_scheme") != "never");
  return [find = make_finder(Json{{"String", mark}}), prepends](Pieces pieces) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      pieces[i] = replaced(pieces[i], find(pieces[i]), i == 0 && prepends ? "" : " ");
    }
    return pieces;
  };
}

std::size_t count_of(const Json& part, const char* key) {
  const Json& value = component_key(part, key);
  if (!value.is_number_unsigned()) refuse_component("decoder", part);
  return value.get<std::size_t>();
}

Decoder make_strip(const Json& part) {
  return [mark = component_string(part, "content"), front = count_of(part, "start"),
          back = count_of(part, "stop")](Pieces pieces) {
    for (std::string& piece : pieces) {
      for (std::size_t i = 0; i < front && piece.starts_with(mark); ++i) piece.erase(0, mark.size());
      for (std::size_t i = 0; i < back && piece.ends_with(mark); ++i) piece.erase(piece.size() - mark.size());
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

Decoder make_decoder(const Json& part) {
  if (part.is_null()) return {};
  const std::string type = component_type(part);
  if (type == "Sequence") {
    std::vector<Decoder> steps;
    for (const Json& step : component_key(part, "decoders")) steps.push_back(make_decoder(step));
    return [steps = std::move(steps)](Pieces pieces) {
      for (const Decoder& step : steps) pieces = step(std::move(pieces));
      return pieces;
    };
  }
  if (type == "ByteLevel") return decode_byte_level;
  if (type == "ByteFallback") return decode_byte_fallback;
  if (type == "Replace") return make_replace(part);
  if (type == "Metaspace") return make_metaspace(part);
  if (type == "Strip") return make_strip(part);
  if (type == "Fuse") return fuse;
  refuse_component("decoder", part);
}

}  // namespace lethe
