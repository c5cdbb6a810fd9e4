// A disk cache of JSON objects by what each depends on.
#pragma once

#include <filesystem>
#include <optional>

#include "core/json.h"

namespace lethe {

/// One small file per value, named by a hash of the request and read only if it holds the same request. Only its owner
/// can read it, since it may hold prompts and answers.
class JsonCache {
 public:
  /// @param folder  empty: caches nothing
  explicit JsonCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }
  /// @param asked  all that the value depends on
  /// @return nothing as well for a damaged file, which keep() replaces
  std::optional<Json> find(const Json& asked) const;
  /// @param value  an object without a key "asked"
  void keep(const Json& asked, const Json& value) const;

 private:
  std::filesystem::path path_of(const std::string& asked) const;
  std::filesystem::path folder_;
};

}  // namespace lethe
