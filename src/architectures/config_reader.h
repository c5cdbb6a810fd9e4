// Reads a config.json and accounts for every key: it is read, known to be neutral, ignored with a warning because
// transformers does not read it either, or refused.
#pragma once

#include <limits>
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
  /// A positive integer up to `most`, for sizes that allocate memory at once.
  std::int64_t count(const std::string& key, std::int64_t fallback, std::int64_t most);
  /// A number of layers: 1 to 10,000, since each layer is stored in the spec.
  std::int64_t layers(const std::string& key);
  std::int64_t layers(const std::string& key, std::int64_t fallback);
  /// A number in the given range, of a magnitude that float32 can hold (up to 10^30).
  double number(const std::string& key, double fallback, double least = -kLargestNumber, double most = kLargestNumber);
  double positive(const std::string& key, double fallback);
  /// The ε of a norm: 0 to 1.
  double epsilon(const std::string& key, double fallback) { return number(key, fallback, 0, 1); }
  bool flag(const std::string& key, bool fallback);
  std::string text(const std::string& key, const std::string& fallback);
  /// The value, null where it is missing.
  const Json& raw(const std::string& key);
  /// Whether the key exists, null or not.
  bool has(const std::string& key) const { return config_.contains(key); }
  bool was_asked(const std::string& key) const { return asked_.contains(key); }
  /// One id or a list of ids.
  std::vector<int> ids(const std::string& key);

  /// Marks keys that change nothing in Lethe's computation, whatever their value.
  void neutral(std::initializer_list<const char*> keys);
  /// Accepts only this value (or null, or missing).
  void only(const std::string& key, const Json& value);
  /// Ignores this part of an object, which transformers does not read either.
  void ignore(const std::string& name) { ignored_.push_back(name); }

  /// @throws Error naming the first key that is set but was not read
  void finish() const;
  /// Finishes a model's config.json.
  /// @return         the keys that are set but were not read, and that transformers' code for this model_type does not
  ///                 read: they change nothing
  /// @throws Error   naming an unread key that transformers reads, quantised weights, or an auto_map to other code than
  ///                 the family's own
  std::vector<std::string> finish(const std::string& model_type);

  [[noreturn]] void refuse(const std::string& key, const std::string& wanted) const;
  const std::string& where() const { return where_; }

  static constexpr double kLargestNumber = 1e30;

 private:
  void refuse_own_code(const std::string& model_type);

  const Json& config_;
  std::string where_;
  std::set<std::string> asked_;
  std::vector<std::string> ignored_;
};

/// config.json with every key under its first name (transformers' attribute_map): GPT-2's hidden_size is its n_embd.
/// @throws Error (bad input) if both names are present with different values
Json with_first_names(const Json& config, const std::string& where);

/// The warning about ignored keys: one line with at most twelve names, or "" if there are none.
std::string ignored_keys_warning(const std::vector<std::string>& keys, const std::string& model_type,
                                 const std::string& where);

}  // namespace lethe
