// Reads the body of a request, key by key; what is wrong is refused by its name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"

namespace lethe {

/// All functions throw ApiError (400) naming the key. A key with null counts as missing.
class RequestBody {
 public:
  /// @throws ApiError (400) if the text is not one JSON object in UTF-8
  explicit RequestBody(const std::string& text);
  /// Of an object within another one.
  explicit RequestBody(Json object) : value_(std::move(object)) {}

  /// The value of a key; nullptr if it is missing.
  const Json* find(const std::string& key) const;
  std::string text(const std::string& key) const;  ///< must be there
  bool flag(const std::string& key, bool otherwise) const;
  double number(const std::string& key, double otherwise, double least, double most) const;
  std::optional<std::int64_t> whole_number(const std::string& key, std::int64_t least, std::int64_t most) const;
  /// A text or a list of texts, none empty. @param most  texts, and bytes of each
  std::vector<std::string> texts(const std::string& key, std::size_t most, std::size_t most_bytes) const;
  /// Refuses a key that would change the answer in a way that Lethe does not support, unless it has a neutral value.
  void only(const std::string& key, const std::vector<Json>& neutral) const;

 private:
  Json value_;
};

}  // namespace lethe
