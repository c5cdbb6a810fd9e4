// The bodies of POST /v1/completions and POST /v1/chat/completions as answers to be made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/answer.h"
#include "server/request_body.h"
#include "server/served_model.h"

namespace lethe {

/// What both kinds of requests are made of.
struct GenerationRequest {
  bool stream = false;
  bool stream_usage = false;              ///< a last piece with the usage
  bool echo = false;                      ///< completions: the prompt comes before the answer
  std::int64_t each = 1;                  ///< answers of a prompt
  std::vector<std::string> prompt_texts;  ///< with echo
  std::vector<AnswerRequest> answers;     ///< `each` of the first prompt, `each` of the second, …
  std::size_t prompt_tokens = 0;          ///< of all prompts, each counted once
};

/// @param seed  of a request that names none
/// @throws ApiError (400) for a key that is wrong or not supported, or too many answers
GenerationRequest read_completion(const RequestBody& body, const LiveModel& model, std::uint64_t seed);
/// The messages go through the model's template.
GenerationRequest read_chat(const RequestBody& body, const LiveModel& model, std::uint64_t seed);

}  // namespace lethe
