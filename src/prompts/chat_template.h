// The chat template that comes with an instruct model: messages in, the text that the model was trained on out.
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

/// Rendered as transformers renders it (a sandboxed Jinja with trim_blocks and lstrip_blocks, its tojson, strftime_now,
/// raise_exception, break and continue, {% generation %}). docs/reference/chat.md tells which parts of Jinja are
/// understood.
class ChatTemplate {
 public:
  /// chat_template.jinja, else the `chat_template` of tokenizer_config.json (of several, the one named "default"), else
  /// chat_template.json; bos_token and the like from tokenizer_config.json or special_tokens_map.json.
  /// @throws Error (bad input) if the folder has none, or it uses what is not supported, with the line
  static ChatTemplate load(const std::filesystem::path& folder);
  static bool exists(const std::filesystem::path& folder);

  /// @param variables  further ones: bos_token, eos_token, …
  /// @param where      named in errors
  ChatTemplate(const std::string& source, const OrderedJson& variables, std::string where);

  /// @param add_generation_prompt  ends where the assistant is to begin
  /// @param as_parts  each content is handed over as [{"type": "text", "text": …}], as image models' chats have it
  /// @return  the text; the bytes of messages[i]'s content are marked with source i + 1
  /// @throws Error (bad input) if the template refuses these messages or goes beyond its bounds
  MarkedText render(std::span<const ChatMessage> messages, bool add_generation_prompt = false,
                    bool as_parts = false) const;
  /// With any variables, texts in them unmarked; `messages` is one of them.
  MarkedText render(const OrderedJson& variables) const;

  const std::string& source() const { return source_; }
  /// The file that it comes from, for errors.
  const std::string& where() const { return where_; }

 private:
  struct Tree;
  template <class Given>
  MarkedText run(Given given) const;
  std::shared_ptr<const Tree> tree_;
  std::string source_, where_;
};

/// Now, or SOURCE_DATE_EPOCH (seconds) where it is set: what strftime_now tells.
std::time_t template_time();

}  // namespace lethe
