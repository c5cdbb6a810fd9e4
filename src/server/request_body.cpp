#include "server/request_body.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "server/api_error.h"

namespace lethe {
namespace {

[[noreturn]] void refuse(const std::string& key, const std::string& wanted) {
  throw ApiError(400, "\"" + key + "\" must be " + wanted, key);
}

std::string shown_number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

RequestBody::RequestBody(const std::string& text) {
  try {
    value_ = parse_json(text, "the body");
  } catch (const Error& error) {
    throw ApiError(400, excerpt(error.on_one_line(), 500));
  }
  if (!value_.is_object()) throw ApiError(400, "the body must be a JSON object");
}

const Json* RequestBody::find(const std::string& key) const {
  const auto found = value_.find(key);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

std::string RequestBody::text(const std::string& key) const {
  const Json* value = find(key);
  if (value == nullptr) throw ApiError(400, "the request has no \"" + key + "\", which must be a text", key);
  if (!value->is_string()) refuse(key, "a text");
  return value->get<std::string>();
}

bool RequestBody::flag(const std::string& key, bool otherwise) const {
  const Json* value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) refuse(key, "true or false");
  return value->get<bool>();
}

double RequestBody::number(const std::string& key, double otherwise, double least, double most) const {
  const Json* value = find(key);
  if (value == nullptr) return otherwise;
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= least && number <= most))
    refuse(key, "a number from " + shown_number(least) + " to " + shown_number(most));
  return number;
}

std::optional<std::int64_t> RequestBody::whole_number(const std::string& key, std::int64_t least,
                                                      std::int64_t most) const {
  const Json* value = find(key);
  if (value == nullptr) return {};
  const bool fits = value->is_number_integer() &&
                    !(value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{INT64_MAX});
  if (!fits || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most)
    refuse(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return value->get<std::int64_t>();
}

std::vector<std::string> RequestBody::texts(const std::string& key, std::size_t most, std::size_t most_bytes) const {
  const Json* value = find(key);
  if (value == nullptr) return {};
  std::vector<std::string> texts;
  for (const Json& one : value->is_array() ? *value : Json::array({*value})) {
    if (!one.is_string() || one.get_ref<const std::string&>().empty()) refuse(key, "a text or a list of texts");
    texts.push_back(one.get<std::string>());
    if (texts.back().size() > most_bytes) refuse(key, "of at most " + std::to_string(most_bytes) + " bytes each");
  }
  if (texts.size() > most) refuse(key, "at most " + std::to_string(most) + " texts");
  return texts;
}

void RequestBody::only(const std::string& key, const std::vector<Json>& neutral) const {
  const Json* value = find(key);
  if (value == nullptr || std::find(neutral.begin(), neutral.end(), *value) != neutral.end()) return;
  throw ApiError(400, "\"" + key + "\" is not supported with this value", key, "unsupported_value");
}

}  // namespace lethe
