// Answers of a model that an OpenAI-compatible server runs (vLLM, SGLang, llama.cpp's server), in place of Lethe's own
// decoding: large models answer faster there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "web/http.h"

namespace lethe {

/// Where a model is served, and under which name.
struct ServedModel {
  std::string endpoint;        ///< up to /v1
  std::string name;            ///< the server's name of the model
  std::string key_env;         ///< environment variable that holds the server's key; empty: no key
  std::size_t parallel = 32;   ///< requests in flight
  std::string weights;         ///< a hash of the model's files: answers of other weights are never taken from the cache
  std::filesystem::path kept;  ///< folder of the cache of answers; empty: none
};

struct ServedAnswer {
  std::string text;
  bool ended = false;  ///< by the model; false: cut at the longest answer
};

class AnswerServer {
 public:
  /// Contacts nothing yet. @throws Error (bad input) for an address or a key that cannot be used
  explicit AnswerServer(ServedModel model);

  /// Greedy answers, one for each prompt. Prompts are sent as token ids, so that the server adds nothing to them, to
  /// its /completions. Each answer is cached as it comes: after an error the same command goes on where it stopped.
  /// @param stop_ids  tokens that end an answer
  /// @param progress  called with the number of answers so far
  /// @param before    called before the first request, if the cache lacks an answer; may throw; may be empty
  /// @throws Error (bad input) if the server refuses a prompt, or fails after retries; Error (interrupted)
  std::vector<ServedAnswer> answers(std::span<const std::vector<int>> prompts, std::int64_t max_new_tokens,
                                    const std::vector<int>& stop_ids, const std::function<void(std::size_t)>& progress,
                                    const std::function<void()>& before = {}) const;
  /// The same without the cache.
  std::vector<ServedAnswer> fresh_answers(std::span<const std::vector<int>> prompts, std::int64_t max_new_tokens,
                                          const std::vector<int>& stop_ids) const;

  const std::string& name() const { return model_.name; }
  const std::string& host() const { return host_; }

 private:
  std::vector<ServedAnswer> ask(std::span<const std::vector<int>> prompts, std::int64_t max_new_tokens,
                                const std::vector<int>& stop_ids, const std::filesystem::path& kept,
                                const std::function<void(std::size_t)>& progress,
                                const std::function<void()>& before) const;
  ServedModel model_;
  std::string url_, host_, secret_header_, key_;
  HttpOptions http_;
};

}  // namespace lethe
