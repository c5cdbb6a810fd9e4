// One answer in the making: the model's thread writes it, the thread of its request reads it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "generation/running_batch.h"
#include "server/stop_text.h"
#include "tokenizers/text_stream.h"

namespace lethe {

/// What a request wants of one answer.
struct AnswerRequest {
  std::vector<int> prompt;
  std::int64_t max_new_tokens = 16;
  SamplingOptions sampling;
  std::uint64_t seed = 0;
  std::uint64_t index = 0;               ///< of the answer within its request: each draws from a stream of its own
  std::vector<std::string> stop;         ///< the answer ends before the first of these texts
  std::optional<std::int64_t> logprobs;  ///< log-probabilities of the tokens, and of this many likeliest ones
  bool prompt_logprobs = false;          ///< those of the prompt as well
  bool streamed = false;                 ///< the text is wanted as it comes, not only at the end
};

struct AnswerToken {
  int id = 0;
  bool stops = false;  ///< the stop token, which has no text
  std::optional<TokenChances> chances;
};

/// What is new of an answer.
struct AnswerPiece {
  std::string text;
  std::vector<AnswerToken> tokens;
  std::string finish;   ///< "stop", "length"; empty: the answer goes on
  std::string failure;  ///< why there will be no more of it; empty: all is well
  bool ended() const { return !finish.empty() || !failure.empty(); }
};

/// Wakes the thread of a request when one of its answers has something new.
class Bell {
 public:
  void ring();
  /// Waits until it rang since the last wait, at most for this time.
  void wait(std::chrono::milliseconds longest);

 private:
  std::mutex mutex_;
  std::condition_variable rang_;
  bool ringing_ = false;
};

class Answer {
 public:
  /// @param tokenizer  must outlive this
  Answer(AnswerRequest request, const Tokenizer& tokenizer, std::shared_ptr<Bell> bell);

  const AnswerRequest& request() const { return request_; }
  /// When it was requested.
  std::chrono::steady_clock::time_point since() const { return since_; }

  // For the request's thread.
  /// What is new since the last call; nothing: no token, no end.
  std::optional<AnswerPiece> take();
  /// Log-probabilities of prompt[1], prompt[2], …, if the request wants them; complete before the first piece.
  std::vector<TokenChances> prompt_chances() const;
  /// Nobody waits for it any more: it ends at its next token, or never begins.
  void give_up();
  /// Whether decoding has begun.
  bool begun() const;

  // For the model's thread.
  void begin();
  bool given_up() const;
  void set_prompt_chances(std::vector<TokenChances> chances);
  /// @return whether the answer goes on
  bool add(const ChosenToken& token);
  /// The first reason counts.
  void finish(const std::string& reason);
  void fail(const std::string& why);

 private:
  void add_text(int id);
  AnswerRequest request_;
  const Tokenizer& tokenizer_;
  std::shared_ptr<Bell> bell_;
  const std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  TextStream text_;
  StopText stop_;
  std::vector<int> undecoded_;  // where the text is only wanted at the end
  mutable std::mutex mutex_;    // of what follows
  std::vector<TokenChances> prompt_chances_;
  AnswerPiece piece_;
  bool new_ = false, begun_ = false, given_up_ = false, ended_ = false;
};

}  // namespace lethe
