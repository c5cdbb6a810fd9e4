// The chat template of an instruct model: turns messages into the text format that the model was trained on.
#pragma once

#include <compare>
#include <ctime>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "jinja/marked_text.h"

namespace lethe {

/// A turn of a chat.
struct ChatMessage {
  std::string role;  ///< system, user or assistant
  std::string content;

  auto operator<=>(const ChatMessage&) const = default;
};

/// Renders as transformers does (a sandboxed Jinja with trim_blocks and lstrip_blocks, its tojson, strftime_now,
/// raise_exception, break and continue, {% generation %}). docs/reference/chat.md lists the supported parts of Jinja.
class ChatTemplate {
 public:
  /// Reads chat_template.jinja, else the `chat_template` of tokenizer_config.json (the one named "default" if there are
  /// several), else chat_template.json; bos_token and the like from tokenizer_config.json or special_tokens_map.json.
  /// @throws Error (bad input) if the folder has none, or it uses an unsupported feature, with the line
  static ChatTemplate load(const std::filesystem::path& folder);
  static bool exists(const std::filesystem::path& folder);

  /// @param variables  additional ones: bos_token, eos_token, …
  /// @param where      named in errors
  ChatTemplate(const std::string& source, const OrderedJson& variables, std::string where);

  /// @param add_generation_prompt  ends the text where the assistant begins
  /// @param as_parts  passes each content as [{"type": "text", "text": …}], as in the chats of image models
  /// @return  the text; the bytes of messages[i]'s content are marked with source i + 1
  /// @throws Error (bad input) if the template refuses these messages or exceeds its limits
  MarkedText render(std::span<const ChatMessage> messages, bool add_generation_prompt = false,
                    bool as_parts = false) const;
  /// Renders with any variables, including `messages`. Their texts are not marked.
  MarkedText render(const OrderedJson& variables) const;

  const std::string& source() const { return source_; }
  /// The template's file, for errors.
  const std::string& where() const { return where_; }

 private:
  struct Tree;
  template <class Given>
  MarkedText run(Given given) const;
  std::shared_ptr<const Tree> tree_;
  std::string source_, where_;
};

/// The time for strftime_now: SOURCE_DATE_EPOCH (seconds) if set, else now.
std::time_t template_time();

}  // namespace lethe
