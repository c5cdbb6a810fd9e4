// Reads the reply of a chat completion server, and classifies it by what can be done about it.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// One reply, in the formats of vLLM, llama.cpp, Ollama, Azure, OpenRouter, OpenAI and similar servers.
struct Completion {
  enum class Kind {
    answer,      ///< `text` is the model's answer
    unanswered,  ///< a whole reply without anything to read: a refusal, a filter, the length limit; `problem` says
                 ///< which
    error,       ///< the server's own error, by its status or within a body of status 200
    foreign,     ///< not a chat completion: a web page, an event stream, truncated JSON
  };
  Kind kind = Kind::foreign;
  std::string text;
  bool cut = false;       ///< the model reached the length limit (finish_reason length)
  std::string problem;    ///< one sentence on why there is no text; quotes the server, which may repeat a key
  int status = 0;         ///< of an error: HTTP's, or the one in the body; 0: none given
  bool may_pass = false;  ///< of an error: a rate limit or an overload
  bool final = false;     ///< of an error: all other requests will fail too (key, model, credit)
  std::string field;      ///< of an error: the request's field at fault, if the error names it by key
  std::string message;    ///< of an error: the server's message
};

/// @param status  HTTP status
Completion read_reply(int status, std::string_view body);

}  // namespace lethe
