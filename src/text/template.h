// The text around a prompt and its response, and the examples made of it: ids, and where the response begins.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace lethe {

/// A text with {prompt} and {response}, each once, the prompt first. Filled in a single pass: braces within the
/// prompt or the response mean nothing.
class Template {
 public:
  /// SKU's own: "### Question: {prompt}\n ### Answer: {response}"
  static const char* sku_default;

  /// @throws Error (usage) if a placeholder is missing, comes twice or in the wrong order
  static Template parse(std::string_view text);

  /// The text up to where the response begins.
  std::string before_response(std::string_view prompt) const;
  std::string render(std::string_view prompt, std::string_view response) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_, head_, middle_, tail_;  // head {prompt} middle {response} tail
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
/// @param layout  nullptr: `prompt` is empty and `response` the whole text, of which all but the first token count
/// @throws Error (bad input) if append_eos is asked of a tokenizer that names no end of text
Example encode_example(const Tokenizer& tokenizer, const Template* layout, std::string_view prompt,
                       std::string_view response, const ExampleOptions& options = {});

/// What the model is given to go on from: the template up to the response, special tokens as at training. White space
/// before {response} is left to the model where the tokenizer would join it to the response's first word.
std::vector<int> encode_prompt(const Tokenizer& tokenizer, const Template& layout, std::string_view prompt);

}  // namespace lethe
