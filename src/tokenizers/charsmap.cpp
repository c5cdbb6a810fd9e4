#include "tokenizers/charsmap.h"

#include <utf8proc.h>

#include <cstring>
#include <memory>
#include <optional>

#include "core/error.h"

namespace lethe {
namespace {

std::string decode_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (c >= '0' && c <= '9') value = c - '0' + 52;
    if (c == '+') value = 62;
    if (c == '/') value = 63;
    if (value < 0) throw bad_input("cannot read a precompiled_charsmap").wanted("base64");
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 0xFF);
  }
  return bytes;
}

class Charsmap {
 public:
  explicit Charsmap(std::string_view base64) {
    const std::string bytes = decode_base64(base64);
    std::uint32_t size = 0;
    if (bytes.size() >= 4) std::memcpy(&size, bytes.data(), 4);
    if (size < 4 || size % 4 != 0 || bytes.size() < 4 + static_cast<std::size_t>(size)) {
      throw bad_input("cannot read a precompiled_charsmap")
          .wanted("a trie within its bytes")
          .found(std::to_string(size) + " of " + std::to_string(bytes.size()) + " bytes");
    }
    units_.resize(size / 4);
    std::memcpy(units_.data(), bytes.data() + 4, size);
    replacements_ = bytes.substr(4 + size);
    replacements_ += '\0';
  }

  /// The replacement of the shortest prefix of a text that is in the table, if any.
  std::optional<std::string_view> replacement(std::string_view text) const {
    std::size_t node = offset(units_[0]);
    for (const char c : text) {
      const auto label = static_cast<unsigned char>(c);
      if (label == 0) return std::nullopt;
      node ^= label;
      if (node >= units_.size() || (units_[node] & 0x800000FFU) != label) return std::nullopt;
      const std::uint32_t unit = units_[node];
      node ^= offset(unit);
      if ((unit >> 8 & 1) == 0) continue;
      if (node >= units_.size()) return std::nullopt;
      const std::size_t value = units_[node] & 0x7FFFFFFFU;
      if (value >= replacements_.size()) return std::nullopt;
      return std::string_view(replacements_.c_str() + value);
    }
    return std::nullopt;
  }

  void operator()(NormalizedText& text) const {
    const std::string_view old = text.text();
    std::vector<ChangedCharacter> characters;
    for (std::size_t at = 0; at < old.size();) {
      const std::string_view cluster = old.substr(at, cluster_length(old.substr(at)));
      at += cluster.size();
      if (characters.size() > most_bytes_made_of(old.size()))
        throw bad_input("cannot tokenize: the precompiled_charsmap makes too much of a text");
      if (cluster.size() < 6 && put_replacement(cluster, characters)) continue;
      for (std::size_t in = 0; in < cluster.size();) {
        const std::size_t begin = in;
        const char32_t character = next_character(cluster, in);
        if (!put_replacement(cluster.substr(begin, in - begin), characters)) characters.push_back({character, 0});
      }
    }
    text.transform(characters);
  }

 private:
  static std::size_t offset(std::uint32_t unit) { return unit >> 10 << ((unit & (1U << 9)) >> 6); }

  // The first grapheme cluster.
  static std::size_t cluster_length(std::string_view text) {
    std::size_t at = 0;
    auto before = static_cast<utf8proc_int32_t>(next_character(text, at));
    utf8proc_int32_t state = 0;
    while (at < text.size()) {
      std::size_t next = at;
      const auto character = static_cast<utf8proc_int32_t>(next_character(text, next));
      if (utf8proc_grapheme_break_stateful(before, character, &state)) break;
      before = character;
      at = next;
    }
    return at;
  }

  bool put_replacement(std::string_view part, std::vector<ChangedCharacter>& characters) const {
    const auto found = replacement(part);
    if (!found) return false;
    int before = 0, after = 0;
    for (std::size_t at = 0; at < part.size(); ++before) next_character(part, at);
    const std::string clean = valid_utf8(*found);
    for (std::size_t at = 0; at < clean.size(); ++after)
      characters.push_back({next_character(clean, at), after < before ? 0 : 1});
    // Removed characters belong to the character before them, even if nothing is left of this part.
    if (after < before && !characters.empty()) characters.back().change += after - before;
    return true;
  }

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace

Normalizer make_charsmap(std::string_view base64) {
  const auto map = std::make_shared<const Charsmap>(base64);
  return [map](NormalizedText& text) { (*map)(text); };
}

}  // namespace lethe
