// An error of a request, in the form of OpenAI's API.
#pragma once

#include <exception>
#include <string>

#include "server/web_request.h"

namespace lethe {

/// {"error": {"message", "type", "param", "code"}}. The message never repeats a prompt or an answer.
class ApiError : public std::exception {
 public:
  /// @param status   400 wrong request, 401 no key, 404 no such model, 413 too long, 429 too many, 503 not now
  /// @param message  one sentence
  /// @param param    the key of the request that is wrong; empty: none
  ApiError(int status, std::string message, std::string param = "", std::string code = "");
  const char* what() const noexcept override { return message_.c_str(); }
  int status() const { return status_; }
  /// With Retry-After where waiting helps.
  WebReply reply() const;
  /// The body alone, for an error within a stream.
  std::string body() const;

 private:
  int status_;
  std::string message_, param_, code_;
};

}  // namespace lethe
