// Lays out a prompt and its response as text, and encodes it: ids, and where the response begins.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "prompts/chat_template.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// A prompt and its response laid out as one text.
struct LaidOut {
  std::string text;
  /// The bytes that are learned: the response or, if a chat template has {% generation %}, its block.
  std::size_t response_begin = 0, response_end = 0;
  std::size_t prompt_end = 0;   ///< where a model begins to answer: at or before the response's own text
  std::size_t content_end = 0;  ///< end of the response's own text
  /// For chats: bytes that come from prompts and responses, which must not become special tokens.
  std::vector<ByteRange> given;
};

/// The layout of prompts and responses: a text with {prompt} and {response}, or the model's chat template.
class Template {
 public:
  /// SKU's own: "### Question: {prompt}\n ### Answer: {response}"
  static const char* sku_default;

  /// A text with {prompt} and {response}, each once, the prompt first. Filled in a single pass: braces within the
  /// prompt or the response have no meaning.
  /// @param named  the user's name for it, for errors
  /// @throws Error (usage) if a placeholder is missing, repeated or in the wrong order
  static Template parse(std::string_view text, const std::string& named = "data.template");
  /// The prompt is the user's turn, the response the assistant's. @param system  a system message at the beginning; "":
  /// none
  /// @throws Error (bad input) if the template drops a text (check_template())
  static Template chat(ChatTemplate layout, std::string system = "");
  /// "chat": the template of the model's folder; "auto": this template if there is one, else "sku"; "sku": sku_default;
  /// else parse(). @throws Error (usage) if `system` is given without a chat
  static Template open(const std::string& text, const std::string& system, const std::filesystem::path& folder,
                       const std::string& named = "data.template");
  /// What kind of template a text is: "chat", "auto", "sku" (also SKU's text written out), else "text".
  static std::string kind_of(const std::string& text);
  /// Whether open() reads the model's folder.
  static bool is_of_model(const std::string& text) { return text == "chat" || text == "auto"; }
  /// Checks that do not need the model. @throws Error as open()
  static void check(const std::string& text, const std::string& system, const std::string& named = "data.template");

  bool is_chat() const { return chat_ != nullptr; }
  /// @param before  turns before the prompt (chat only)
  /// @throws Error (bad input) if the chat template refuses the turns or drops one of their texts (check_shown()), or
  /// if a plain text is given turns
  LaidOut lay_out(std::string_view prompt, std::string_view response, std::span<const ChatMessage> before = {}) const;
  /// The text before the response.
  std::string before_response(std::string_view prompt) const;
  std::string render(std::string_view prompt, std::string_view response) const;
  const std::string& text() const { return text_; }
  /// Pieces of prompt templates that no answer should contain: those of this text ("### ", "Answer:"; none of a chat
  /// template, whose special tokens are not decoded), and the usual ones ("<|im_start|>", "[INST]").
  std::vector<std::string> marks() const;

 private:
  LaidOut lay_out_chat(const std::vector<ChatMessage>& messages) const;
  std::string text_, head_, middle_, tail_;  // head {prompt} middle {response} tail
  std::shared_ptr<const ChatTemplate> chat_;
  std::string system_;
};

/// The tokens of a whole text, and the index of the first response token.
struct Example {
  std::vector<int> ids;
  std::size_t response_begin = 0;
};

struct ExampleOptions {
  bool append_eos = false;
  std::size_t max_length = 512;  ///< tokens, cut at the end; 0: no limit
};

/// Tokenises prompt and response as one text; tokenising them separately gives other ids (sku.md, defect list). The
/// response begins with the first token whose byte range ends after the boundary. response_begin ≥ 1; it equals
/// ids.size() if nothing of the response is left.
/// In a chat, the template writes the special tokens and the tokenizer adds none. The template's text after the
/// response is cut off; append_eos keeps the first special token there (the end of the turn). If the template marks its
/// answer with {% generation %}, that block is the response, with its special tokens.
/// @param layout  nullptr: `prompt` is empty and `response` the whole text, scored from the second token on
/// @throws Error (bad input) if append_eos is set and the tokenizer has no end-of-text token
Example encode_example(const Tokenizer& tokenizer, const Template* layout, std::string_view prompt,
                       std::string_view response, const ExampleOptions& options = {},
                       std::span<const ChatMessage> before = {});

/// The prompt for generation: the template up to the response, with special tokens as in training. The model generates
/// the white space before {response} if the tokenizer would join it to the response's first word.
std::vector<int> encode_prompt(const Tokenizer& tokenizer, const Template& layout, std::string_view prompt,
                               std::span<const ChatMessage> before = {});

}  // namespace lethe
