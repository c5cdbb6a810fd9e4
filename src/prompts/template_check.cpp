#include "prompts/template_check.h"

#include "core/error.h"
#include "tokenizers/unicode.h"

namespace lethe {
namespace {

// Counts characters except white space, since templates trim and some join lines.
std::size_t visible_characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t character = next_character(text, at);
    const bool separator = character >= 0x1C && character <= 0x1F;  // white space in Python
    if (!separator && !is_white_space(character)) ++count;
  }
  return count;
}

// The part of each message that the template printed.
std::vector<std::string> shown_parts(std::size_t messages, const MarkedText& text) {
  std::vector<std::string> parts(messages);
  for (const TextMark& mark : text.marks()) {
    const auto message = static_cast<std::size_t>(mark.source) - 1;
    if (message < messages) parts[message] += text.text().substr(mark.begin, mark.end - mark.begin);
  }
  return parts;
}

std::string text_after_thought(const std::string& content) {
  const std::size_t end = content.rfind("</think>");
  return end == std::string::npos ? content : content.substr(end + 8);
}

// Whether the template may cut an assistant text: templates find thoughts by marks such as </think> or [/THINK].
bool may_hold_thought(const std::string& content) {
  return content.find_first_of("<[") != std::string::npos;
}

// Whether the template prints the same text if a message holds only its printed part.
bool prints_the_same(const ChatTemplate& layout, std::span<const ChatMessage> messages, const MarkedText& text,
                     std::size_t changed, const std::string& shown) {
  std::vector<ChatMessage> others(messages.begin(), messages.end());
  others[changed].content = shown;
  try {
    return layout.render(others).text() == text.text();
  } catch (const Error&) {
    return false;  // the template depends on the text
  }
}

bool shows_parts(const ChatTemplate& layout, std::span<const ChatMessage> messages, std::size_t message) {
  try {
    const MarkedText text = layout.render(messages, false, /*as_parts=*/true);
    return visible_characters(shown_parts(messages.size(), text)[message]) > 0;
  } catch (const Error&) {
    return false;
  }
}

[[noreturn]] void refuse(const ChatTemplate& layout, std::span<const ChatMessage> messages, std::size_t message,
                         const std::string& shown) {
  const auto& [role, content] = messages[message];
  Error error = bad_input("cannot use the chat template: it leaves out text of the " + role)
                    .with("template", layout.where())
                    .with("text", excerpt(content))
                    .wanted("this text in what the template prints");
  const bool nothing = visible_characters(shown) == 0;
  const bool parts = nothing && shows_parts(layout, messages, message);
  error.found(parts ? "nothing of it: the template prints content parts ({\"type\": \"text\", …}), as those of image "
                      "models do, and no plain text"
              : nothing ? "nothing of it"
                        : "only " + excerpt(shown));
  error.hint("a template of your own: --template 'Question: {prompt}\\nAnswer: {response}'");
  throw error;
}

}  // namespace

void check_shown(const ChatTemplate& layout, std::span<const ChatMessage> messages, const MarkedText& text) {
  const std::vector<std::string> parts = shown_parts(messages.size(), text);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto& [role, content] = messages[i];
    const std::string clean = valid_utf8(content);
    const std::size_t wanted = visible_characters(clean), shown = visible_characters(parts[i]);
    if (shown >= wanted) continue;
    if (role == "user" || role == "system") {
      if (prints_the_same(layout, messages, text, i, parts[i])) refuse(layout, messages, i, parts[i]);
    } else if (!may_hold_thought(clean)) {
      refuse(layout, messages, i, parts[i]);
    } else if (shown == 0) {
      const bool earlier = i + 1 < messages.size();
      if (!earlier || visible_characters(text_after_thought(clean)) > 0) refuse(layout, messages, i, parts[i]);
    }
  }
}

void check_template(const ChatTemplate& layout, const std::string& system) {
  std::string lines;
  for (const char* line : {"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "last"})
    lines += std::string("The ") + line + " line of several, with \"quotes\", an é and the numbers 0123456789.\n";
  std::vector<ChatMessage> messages;
  if (!system.empty()) messages.push_back({"system", system});
  messages.push_back({"user", "What does the user ask?\n" + lines});
  messages.push_back({"assistant", "What does the assistant answer?\n" + lines});
  MarkedText text;
  try {
    text = layout.render(messages);
  } catch (const Error&) {
    return;
  }
  check_shown(layout, messages, text);
}

}  // namespace lethe
