#include "recipe/yaml_bytes.h"

#include <algorithm>
#include <string_view>

#include "core/utf8.h"

namespace lethe {
namespace {

// A byte that is not UTF-8 is passed through yaml-cpp as a private-use character: U+10FE00 plus the byte.
constexpr std::string_view kFirst("\xF4\x8F\xB8", 3), kLast("\xF4\x8F\xBB", 3);

std::string disguised(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view character = text.substr(at, character_length(text[at]));
    if (valid_utf8(character) == character) {
      out += character;
      at += character.size();
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[at++]);
    out += {kFirst[0], kFirst[1], static_cast<char>(static_cast<unsigned char>(kFirst[2]) + byte / 64),
            static_cast<char>(0x80 + byte % 64)};
  }
  return out;
}

std::string revealed(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view begin = text.substr(at, 3);
    if (begin < kFirst || begin > kLast || at + 3 >= text.size()) {
      out += text[at];
      continue;
    }
    out += static_cast<char>((begin[2] - kFirst[2]) * 64 + (static_cast<unsigned char>(text[at + 3]) - 0x80));
    at += 3;
  }
  return out;
}

YAML::Node disguised(const YAML::Node& node) {
  if (node.IsScalar()) return YAML::Node(disguised(std::string_view(node.Scalar())));
  YAML::Node copy(node.Type());
  if (node.IsSequence()) {
    for (const auto& entry : node) copy.push_back(disguised(entry));
  } else if (node.IsMap()) {
    for (const auto& entry : node) copy[disguised(std::string_view(entry.first.Scalar()))] = disguised(entry.second);
  }
  return copy;
}

}  // namespace

std::string dump_yaml(const YAML::Node& node) {
  std::string plain = YAML::Dump(node);
  if (revealed(plain) != plain) return plain;  // the text itself contains such characters
  const std::string text = YAML::Dump(disguised(node));
  return revealed(text) == text ? plain : revealed(text);
}

std::string yaml_line(YAML::Node node) {
  if (!node.IsScalar()) node.SetStyle(YAML::EmitterStyle::Flow);
  std::string text = dump_yaml(node);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace lethe
