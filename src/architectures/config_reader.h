// Reads a config.json so that nothing in it is overlooked: every key is either asked for, known to be neutral, or
// refused.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/json.h"

namespace lethe {

class ConfigReader {
 public:
  ConfigReader(const Json& config, std::string where) : config_(config), where_(std::move(where)) {}

  /// A positive integer of at most 2^30, so that products of two fit in 64 bits. @throws Error if missing or out of
  /// range
  std::int64_t size(const std::string& key);
  std::int64_t size(const std::string& key, std::int64_t fallback);
  /// A number of layers: 1 to 10,000, for each is described.
  std::int64_t layers(const std::string& key);
  std::int64_t layers(const std::string& key, std::int64_t fallback);
  double number(const std::string& key, double fallback);
  bool flag(const std::string& key, bool fallback);
  std::string text(const std::string& key, const std::string& fallback);
  /// The value, null where it is missing.
  const Json& raw(const std::string& key);
  /// Whether the key stands there at all, null or not.
  bool has(const std::string& key) const { return config_.contains(key); }
  /// One id or a list of ids.
  std::vector<int> ids(const std::string& key);

  /// These keys change nothing in what is computed here, whatever their value.
  void neutral(std::initializer_list<const char*> keys);
  /// This key is understood at this value (or null, or missing) only.
  void only(const std::string& key, const Json& value);
  /// @throws Error naming the first key that nobody asked for and that is set to something
  void finish() const;

  [[noreturn]] void refuse(const std::string& key, const std::string& wanted) const;
  const std::string& where() const { return where_; }

 private:
  const Json& config_;
  std::string where_;
  std::set<std::string> asked_;
};

}  // namespace lethe
