#include "server/answer_group.h"

#include <algorithm>
#include <chrono>

#include "core/seconds_since.h"
#include "server/api_error.h"

namespace lethe {

RequestAnswers::RequestAnswers(LiveModel& model, std::vector<AnswerRequest> requests)
    : longest_wait_(model.options().longest_wait), ended_(requests.size()), left_(requests.size()) {
  for (AnswerRequest& request : requests)
    answers_.push_back(std::make_shared<Answer>(std::move(request), model.tokenizer(), bell_));
  model.submit(answers_);
}

RequestAnswers::~RequestAnswers() {
  for (const auto& answer : answers_) answer->give_up();
}

std::optional<std::pair<std::size_t, AnswerPiece>> RequestAnswers::next(const std::function<bool()>& connected) {
  while (left_ > 0) {
    if (auto found = take_any()) return found;
    bell_->wait(std::chrono::milliseconds(100));
    if (!connected()) throw ApiError(499, "the client closed the connection");
    // Once one of them has begun, the others take their turns after it.
    const bool begun = std::any_of(answers_.begin(), answers_.end(), [](const auto& one) { return one->begun(); });
    if (!begun && seconds_since(answers_.front()->since()) > longest_wait_)
      throw ApiError(503, "the server is busy: no turn within the longest wait");
  }
  return {};
}

/// From each answer in turn, so that none of a stream falls behind.
std::optional<std::pair<std::size_t, AnswerPiece>> RequestAnswers::take_any() {
  for (std::size_t tried = 0; tried < answers_.size(); ++tried) {
    const std::size_t i = turn_++ % answers_.size();
    if (ended_[i]) continue;
    std::optional<AnswerPiece> piece = answers_[i]->take();
    if (!piece) continue;
    if (!piece->failure.empty()) throw ApiError(piece->failure == "the server is ending" ? 503 : 500, piece->failure);
    for (const AnswerToken& token : piece->tokens) tokens_ += token.stops ? 0 : 1;
    if (piece->ended()) {
      ended_[i] = true;
      --left_;
    }
    return {{i, std::move(*piece)}};
  }
  return {};
}

}  // namespace lethe
