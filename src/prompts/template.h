// The text around a prompt and its response, and the examples made of it: ids, and where the response begins.
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
  /// Bytes of the text that are learned: the response; of a chat template with {% generation %} what its block covers.
  std::size_t response_begin = 0, response_end = 0;
  std::size_t prompt_end = 0;   ///< where a model begins to answer: at most where the response's own text begins
  std::size_t content_end = 0;  ///< of the response's own text
  /// Of a chat: bytes that prompts and responses brought, of which no special token is made.
  std::vector<ByteRange> given;
};

/// How prompts and responses are laid out: a text with {prompt} and {response}, or the model's chat template.
class Template {
 public:
  /// SKU's own: "### Question: {prompt}\n ### Answer: {response}"
  static const char* sku_default;

  /// A text with {prompt} and {response}, each once, the prompt first. Filled in a single pass: braces within the
  /// prompt or the response mean nothing.
  /// @param named  what the user calls it, for errors
  /// @throws Error (usage) if a placeholder is missing, comes twice or in the wrong order
  static Template parse(std::string_view text, const std::string& named = "data.template");
  /// The prompt is the user's turn, the response the assistant's. @param system  a first turn of the system; "": none
  /// @throws Error (bad input) if the template leaves out what it is given (check_template())
  static Template chat(ChatTemplate layout, std::string system = "");
  /// "chat": the template of the model's folder; "auto": this one if there is one, else "sku"; "sku": sku_default; else
  /// parse(). @throws Error (usage) if `system` is given without a chat
  static Template open(const std::string& text, const std::string& system, const std::filesystem::path& folder,
                       const std::string& named = "data.template");
  /// Whether open() looks into the model's folder.
  static bool is_of_model(const std::string& text) { return text == "chat" || text == "auto"; }
  /// What can be said without the model. @throws Error as open()
  static void check(const std::string& text, const std::string& system, const std::string& named = "data.template");

  bool is_chat() const { return chat_ != nullptr; }
  /// @param before  turns before the prompt (chat only)
  /// @throws Error (bad input) if the chat template refuses the turns or leaves out a text of them (check_shown()), or
  /// if turns are given to a plain text
  LaidOut lay_out(std::string_view prompt, std::string_view response, std::span<const ChatMessage> before = {}) const;
  /// The text up to where the response begins.
  std::string before_response(std::string_view prompt) const;
  std::string render(std::string_view prompt, std::string_view response) const;
  const std::string& text() const { return text_; }

 private:
  LaidOut lay_out_chat(const std::vector<ChatMessage>& messages) const;
  std::string text_, head_, middle_, tail_;  // head {prompt} middle {response} tail
  std::shared_ptr<const ChatTemplate> chat_;
  std::string system_;
};

/// Tokens of a whole text, and the index of the first that belongs to the response.
struct Example {
  std::vector<int> ids;
  std::size_t response_begin = 0;
};

struct ExampleOptions {
  bool append_eos = false;
  std::size_t max_length = 512;  ///< tokens; 0: no bound. What is beyond is cut off at the end
};

/// Prompt and response tokenised as one text; the response begins with the first token whose byte range ends behind
/// the boundary (tokenising both parts apart gives other ids: sku.md, defect list). response_begin ≥ 1; it equals
/// ids.size() where nothing of the response is left.
/// Of a chat, the template writes the special tokens and the tokenizer adds none; what the template puts after the
/// response is cut off, but for the first special token there (the end of the turn), which stays with append_eos. Where
/// the template marks its answer with {% generation %}, that block is the response, special tokens in it included.
/// @param layout  nullptr: `prompt` is empty and `response` the whole text, of which all but the first token count
/// @throws Error (bad input) if append_eos is asked of a tokenizer that names no end of text
Example encode_example(const Tokenizer& tokenizer, const Template* layout, std::string_view prompt,
                       std::string_view response, const ExampleOptions& options = {},
                       std::span<const ChatMessage> before = {});

/// What the model is given to go on from: the template up to the response, special tokens as at training. White space
/// before {response} is left to the model where the tokenizer would join it to the response's first word.
std::vector<int> encode_prompt(const Tokenizer& tokenizer, const Template& layout, std::string_view prompt,
                               std::span<const ChatMessage> before = {});

}  // namespace lethe
