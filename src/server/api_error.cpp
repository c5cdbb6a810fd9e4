#include "server/api_error.h"

#include "core/json.h"

namespace lethe {
namespace {

const char* type_of(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 500:
    case 503:
      return "server_error";
    default:
      return "invalid_request_error";
  }
}

OrderedJson or_null(const std::string& text) {
  return text.empty() ? OrderedJson() : OrderedJson(text);
}

}  // namespace

ApiError::ApiError(int status, std::string message, std::string param, std::string code)
    : status_(status), message_(std::move(message)), param_(std::move(param)), code_(std::move(code)) {}

std::string ApiError::body() const {
  return dump_json(OrderedJson{
      {"error",
       {{"message", message_}, {"type", type_of(status_)}, {"param", or_null(param_)}, {"code", or_null(code_)}}}});
}

WebReply ApiError::reply() const {
  WebReply reply{.status = status_, .body = body()};
  if (status_ == 429 || status_ == 503) reply.headers["Retry-After"] = "1";
  if (status_ == 401) reply.headers["WWW-Authenticate"] = "Bearer";
  return reply;
}

}  // namespace lethe
