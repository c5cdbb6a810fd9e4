#include "tokenizers/sentencepiece_check.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "core/utf8.h"

namespace lethe {
namespace {

constexpr std::size_t kLongest = 1000;  // bytes of a piece or a replacement; real ones have 50

// Fields of a protocol buffer, one after the other. Source: protobuf.dev, "Encoding".
class Fields {
 public:
  struct Field {
    std::uint64_t number = 0, value = 0;
    std::optional<std::string_view> bytes;  // of a text or message
  };

  explicit Fields(std::string_view message) : rest_(message) {}
  bool broken() const { return broken_; }

  std::optional<Field> next() {
    if (rest_.empty() || broken_) return std::nullopt;
    const std::uint64_t tag = variable();
    Field field{.number = tag >> 3};
    switch (tag & 7) {
      case 0:
        field.value = variable();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 2:
        field.bytes = taken(variable());
        break;
      case 5:
        field.value = fixed(4);
        break;
      default:  // groups are deprecated
        broken_ = true;
    }
    return broken_ ? std::nullopt : std::optional<Field>(field);
  }

 private:
  std::string_view taken(std::uint64_t size) {
    broken_ = broken_ || size > rest_.size();
    if (broken_) return {};
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  std::uint64_t fixed(std::size_t size) {
    std::uint64_t value = 0;
    const std::string_view bytes = taken(size);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
  }
  std::uint64_t variable() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::string_view byte = taken(1);
      if (broken_) return 0;
      value |= static_cast<std::uint64_t>(byte[0] & 0x7F) << shift;
      if ((byte[0] & 0x80) == 0) return value;
    }
    broken_ = true;
    return 0;
  }

  std::string_view rest_;
  bool broken_ = false;
};

// What was found in a file that is no SentencePiece model.
struct NoModel {
  const char* found;
};

[[noreturn]] void refuse(const char* found) {
  throw NoModel{found};
}

void check_end(const Fields& fields) {
  if (fields.broken()) refuse("broken data");
}

// A trie in an array of units, followed by the texts that its values point to. The library reads every unit that a text
// can lead to, so all of them must be within the array.
void check_charsmap(std::string_view bytes) {
  if (bytes.empty()) return;
  std::uint32_t size = 0;
  if (bytes.size() >= 4) std::memcpy(&size, bytes.data(), 4);
  if (size < 4 || size % 4 != 0 || bytes.size() - 4 <= size) refuse("a precompiled_charsmap that ends too early");
  std::vector<std::uint32_t> units(size / 4);
  std::memcpy(units.data(), bytes.data() + 4, size);
  const std::string_view texts = bytes.substr(4 + size);
  for (std::size_t at = 0, end = 0; (end = texts.find('\0', at)) != std::string_view::npos; at = end + 1) {
    if (end - at > kLongest) refuse("a text of more than 1,000 bytes in its precompiled_charsmap");
  }
  if (texts.back() != '\0' || valid_utf8(texts) != texts) refuse("texts of a precompiled_charsmap that are no UTF-8");

  const auto offset = [](std::uint32_t unit) -> std::size_t { return unit >> 10 << ((unit & (1U << 9)) >> 6); };
  std::vector<bool> seen(units.size());
  std::vector<std::size_t> open;  // positions to expand; a byte leads to position ^ byte
  const auto visit = [&](std::size_t place) {
    if ((place | 0xFF) >= units.size()) return false;
    if (!seen[place]) open.push_back(place);
    seen[place] = true;
    return true;
  };
  bool inside = visit(offset(units[0]));
  while (inside && !open.empty()) {
    const std::size_t from = open.back();
    open.pop_back();
    for (std::size_t byte = 1; byte < 256 && inside; ++byte) {
      const std::uint32_t unit = units[from ^ byte];
      if ((unit & 0x800000FFU) != byte) continue;
      const std::size_t to = from ^ byte ^ offset(unit);
      inside = visit(to);
      if (!inside || (unit >> 8 & 1) == 0) continue;
      const std::size_t text = units[to] & 0x7FFFFFFFU;
      inside = text < texts.size() && (static_cast<unsigned char>(texts[text]) & 0xC0) != 0x80;
    }
  }
  if (!inside) refuse("a precompiled_charsmap that leads out of itself");
}

void check_piece(std::string_view message) {
  Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number == 1 && field->bytes && field->bytes->find('\0') != std::string_view::npos)
      refuse("a piece with a zero byte");
    if (field->number == 1 && field->bytes && valid_utf8(*field->bytes) != *field->bytes)
      refuse("a piece that is no UTF-8");
    if (field->number == 1 && field->bytes && field->bytes->size() > kLongest)
      refuse("a piece of more than 1,000 bytes");  // the library would search for it at each position of a text
    if (field->number == 2 && !std::isfinite(std::bit_cast<float>(static_cast<std::uint32_t>(field->value))))
      refuse("a piece whose score is no finite number");
  }
  check_end(fields);
}

void check_normalizer(std::string_view message) {
  Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number != 2 || !field->bytes) continue;
    check_charsmap(*field->bytes);
  }
  check_end(fields);
}

}  // namespace

void check_sentencepiece(std::string_view file, const std::string& where) {
  enum : std::uint64_t { pieces = 1, normalizer = 3, denormalizer = 5 };
  try {
    Fields fields(file);
    while (const auto field = fields.next()) {
      if (!field->bytes) continue;
      if (field->number == pieces) check_piece(*field->bytes);
      if (field->number == normalizer || field->number == denormalizer) check_normalizer(*field->bytes);
    }
    check_end(fields);
  } catch (const NoModel& no_model) {
    throw no_sentencepiece_model(where, no_model.found);
  }
}

Error no_sentencepiece_model(const std::string& where, std::string_view found) {
  return bad_input("cannot load " + where).wanted("a SentencePiece model").found(excerpt(found, 200));
}

}  // namespace lethe
