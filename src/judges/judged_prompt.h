// The text a judging model is given: a frame of its own, and in it the judged texts, which must not pass for the frame.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "judges/judge.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// A template with {prompt}, {response} and perhaps {policy}, each where it is wanted, any number of times but
/// {response} at least once.
class JudgePrompt {
 public:
  /// @throws Error (usage) without {response}, or with another {name}
  explicit JudgePrompt(std::string_view layout);

  bool takes_policy() const;
  /// What the judged texts must not hold as it stands: the frame's own marks, "<END CONVERSATION>", "[/INST]",
  /// "<|eot_id|>".
  const std::vector<std::string>& marks() const { return marks_; }

  /// The text, with the frame's marks within the judged texts broken by a blank; also the labels that stand before its
  /// places
  /// ("Agent:"), where they begin a line: a judged text cannot go on with turns of its own.
  std::string render(const Exchange& exchange, std::string_view policy = "") const;
  /// Its tokens. No token of a judged text is special: what would become one is broken by a blank before.
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

/// A judged text in which nothing is a special token of the tokenizer any more: what was one is broken by a blank.
std::string without_special_tokens(const Tokenizer& tokenizer, std::string text);

}  // namespace lethe
