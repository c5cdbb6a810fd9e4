#include "core/redaction.h"

#include "core/error.h"
#include "core/numbers.h"
#include "core/random.h"

namespace lethe {
namespace {

bool redacted = false;

}  // namespace

void redact_texts(bool on) {
  redacted = on;
}

bool texts_are_redacted() {
  return redacted;
}

std::string redacted_text(std::string_view text) {
  return "[redacted: " + std::to_string(text.size()) + " bytes, " + hex_text(stable_hash(text)).substr(0, 8) + "]";
}

std::string shown_text(std::string_view text, std::size_t limit) {
  return redacted ? redacted_text(text) : excerpt(text, limit);
}

std::string whole_text(const std::string& text) {
  return texts_are_redacted() ? redacted_text(text) : text;
}

}  // namespace lethe
