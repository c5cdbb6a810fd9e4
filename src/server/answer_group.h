// The answers of one request, made at the same time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "server/served_model.h"

namespace lethe {

class RequestAnswers {
 public:
  /// Submits the answers. @throws ApiError as LiveModel::submit()
  RequestAnswers(LiveModel& model, std::vector<AnswerRequest> requests);
  /// Gives up what has not ended.
  ~RequestAnswers();
  RequestAnswers(const RequestAnswers&) = delete;

  /// Waits until one of the answers has something new. @return which one and what; nothing: all have ended
  /// @param connected  whether the client still waits
  /// @throws ApiError (503) if one waits too long for its turn or the server is ending, (500) if the model failed,
  ///         (499) if the client is gone
  std::optional<std::pair<std::size_t, AnswerPiece>> next(const std::function<bool()>& connected);
  const Answer& answer(std::size_t index) const { return *answers_[index]; }
  std::size_t size() const { return answers_.size(); }
  /// Tokens of the answers so far.
  std::size_t tokens() const { return tokens_; }

 private:
  std::optional<std::pair<std::size_t, AnswerPiece>> take_any();
  const double longest_wait_;  // seconds
  std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::vector<std::shared_ptr<Answer>> answers_;
  std::vector<bool> ended_;
  std::size_t turn_ = 0, tokens_ = 0, left_;
};

}  // namespace lethe
