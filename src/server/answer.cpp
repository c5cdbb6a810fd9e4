#include "server/answer.h"

#include <utility>

#include "core/utf8.h"

namespace lethe {

void Bell::ring() {
  const std::lock_guard lock(mutex_);
  ringing_ = true;
  rang_.notify_all();
}

void Bell::wait(std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  rang_.wait_for(lock, longest, [this] { return ringing_; });
  ringing_ = false;
}

Answer::Answer(AnswerRequest request, const Tokenizer& tokenizer, std::shared_ptr<Bell> bell)
    : request_(std::move(request)),
      tokenizer_(tokenizer),
      bell_(std::move(bell)),
      text_(tokenizer),
      stop_(request_.stop) {}

std::optional<AnswerPiece> Answer::take() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(new_, false)) return {};
  return std::exchange(piece_, {});
}

std::vector<TokenChances> Answer::prompt_chances() const {
  const std::lock_guard lock(mutex_);
  return prompt_chances_;
}

void Answer::give_up() {
  const std::lock_guard lock(mutex_);
  given_up_ = true;
}

bool Answer::given_up() const {
  const std::lock_guard lock(mutex_);
  return given_up_;
}

bool Answer::begun() const {
  const std::lock_guard lock(mutex_);
  return begun_;
}

void Answer::begin() {
  const std::lock_guard lock(mutex_);
  begun_ = true;
}

void Answer::set_prompt_chances(std::vector<TokenChances> chances) {
  const std::lock_guard lock(mutex_);
  prompt_chances_ = std::move(chances);
}

/// Decoding with each token costs time: only where somebody reads the text, or it may end the answer.
void Answer::add_text(int id) {
  if (request_.streamed || !request_.stop.empty()) {
    piece_.text += stop_.add(text_.add(id));
  } else {
    undecoded_.push_back(id);
  }
}

bool Answer::add(const ChosenToken& token) {
  {
    const std::lock_guard lock(mutex_);
    if (given_up_ || ended_) return false;
    if (!token.stops) add_text(token.id);
    piece_.tokens.push_back({token.id, token.stops, {}});
    if (token.chances != nullptr) piece_.tokens.back().chances = *token.chances;
    new_ = true;
  }
  if (stop_.found()) {
    finish("stop");
    return false;
  }
  if (request_.streamed) bell_->ring();  // nobody else reads it before the end
  return true;
}

void Answer::finish(const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    piece_.text += undecoded_.empty() ? stop_.add(text_.finish()) : valid_utf8(tokenizer_.decode(undecoded_));
    piece_.text += stop_.finish();
    piece_.finish = stop_.found() ? "stop" : reason;
    new_ = true;
  }
  bell_->ring();
}

void Answer::fail(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    piece_.failure = why;
    new_ = true;
  }
  bell_->ring();
}

}  // namespace lethe
