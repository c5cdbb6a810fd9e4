// What a server of chat completions sent back, sorted by what can be done about it.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// One reply, read as vLLM, llama.cpp, Ollama, Azure, OpenRouter, OpenAI and their like write them.
struct Completion {
  enum class Kind {
    answer,      ///< `text` is what the model said
    unanswered,  ///< a whole reply without anything to read: a refusal, a filter, the length limit; `problem` says
                 ///< which
    error,       ///< the server's own error, by its status or within a body of status 200
    foreign,     ///< no chat completion: a web page, a stream of events, half a JSON text
  };
  Kind kind = Kind::foreign;
  std::string text;
  bool cut = false;       ///< the model came to the length limit (finish_reason length)
  std::string problem;    ///< one sentence on why there is no text; holds the server's words, which may repeat a key
  int status = 0;         ///< of an error: HTTP's, or what the body says in its place; 0: it says none
  bool may_pass = false;  ///< of an error: a rate limit or an overload
  bool final = false;     ///< of an error: every other request will fail alike (key, model, credit)
  std::string field;      ///< of an error: the request's field that it is about, where it says so by key
  std::string message;    ///< of an error: the server's words
};

/// @param status  HTTP's
Completion read_reply(int status, std::string_view body);

}  // namespace lethe
