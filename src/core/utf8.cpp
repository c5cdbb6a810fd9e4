#include "core/utf8.h"

namespace lethe {

std::size_t character_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0xC0) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

std::string valid_utf8(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[at]);
    if (lead < 0x80) {
      result += bytes[at++];
      continue;
    }
    // The second byte's range depends on the first: no overlong forms, no surrogates, nothing beyond U+10FFFF.
    const std::size_t length = lead >= 0xC2 && lead <= 0xF4 ? character_length(bytes[at]) : 1;
    unsigned char low = 0x80, high = 0xBF;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
    std::size_t good = 1;
    while (good < length && at + good < bytes.size()) {
      const auto next = static_cast<unsigned char>(bytes[at + good]);
      if (next < low || next > high) break;
      low = 0x80;
      high = 0xBF;
      ++good;
    }
    if (length > 1 && good == length) {
      result.append(bytes.substr(at, length));
    } else {
      result += "\xEF\xBF\xBD";
    }
    at += good;
  }
  return result;
}

}  // namespace lethe
