// The prompt of a judge model: a frame around the judged texts, which must not imitate the frame.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "judges/judge.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// A template with {response} (at least once), {prompt} and {policy} (any number of times).
class JudgePrompt {
 public:
  /// @throws Error (usage) without {response}, or with another {name}
  explicit JudgePrompt(std::string_view layout);

  bool takes_policy() const;
  /// The frame's marks, which must not occur in judged texts: "<END CONVERSATION>", "[/INST]", "<|eot_id|>".
  const std::vector<std::string>& marks() const { return marks_; }

  /// The text, with a space inserted into the frame's marks within the judged texts. The same is done to the labels
  /// before the placeholders ("Agent:") at the beginning of a line, so that a judged text cannot add turns.
  std::string render(const Exchange& exchange, std::string_view policy = "") const;
  /// The tokens of render(). A judged text gets no special tokens: a space breaks their text first.
  std::vector<int> encode(const Tokenizer& tokenizer, const Exchange& exchange, std::string_view policy = "") const;

 private:
  enum class Kind { fixed, prompt, response, policy };
  struct Part {
    Kind kind;
    std::string text;
  };
  std::string broken_marks(std::string_view text) const;
  std::string join(const std::string& prompt, const std::string& response, std::string_view policy,
                   std::vector<std::pair<std::size_t, std::size_t>>* judged) const;

  std::vector<Part> parts_;
  std::vector<std::string> marks_, labels_;
};

/// The text with a space inserted into every special token of the tokenizer.
std::string without_special_tokens(const Tokenizer& tokenizer, std::string text);

}  // namespace lethe
