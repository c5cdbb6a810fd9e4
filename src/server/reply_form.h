// How answers are written in the two forms of OpenAI's API.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "server/answer_group.h"
#include "server/generation_request.h"

namespace lethe {

/// The text of one token. Where it is no text alone (a part of a character), its piece in the vocabulary.
std::string token_text(const Tokenizer& tokenizer, int id);

/// Writes choices from pieces of answers, one after another.
class ReplyForm {
 public:
  virtual ~ReplyForm() = default;
  /// The value of "object". @param chunk  of a stream
  virtual std::string object(bool chunk) const = 0;
  virtual std::string id_begin() const = 0;  ///< "cmpl-"
  /// A whole answer. @param answer  its prompt's log-probabilities
  virtual OrderedJson choice(std::size_t index, const AnswerPiece& whole, const Answer& answer) = 0;
  /// The choices of a stream that say what is new; none if there is nothing to see.
  virtual std::vector<OrderedJson> chunks(std::size_t index, const AnswerPiece& piece, const Answer& answer) = 0;
};

/// {"text", "logprobs": {"tokens", "token_logprobs", "top_logprobs", "text_offset"}}. With echo the prompt's text and
/// tokens come first; its first token has no log-probability. A stop token is listed if there are log-probabilities.
/// @param request  must outlive the form
std::unique_ptr<ReplyForm> completion_form(const GenerationRequest& request, const Tokenizer& tokenizer);
/// {"message": {"role", "content"}, "logprobs": {"content": [{"token", "logprob", "bytes", "top_logprobs"}]}}
std::unique_ptr<ReplyForm> chat_form(const Tokenizer& tokenizer);

}  // namespace lethe
