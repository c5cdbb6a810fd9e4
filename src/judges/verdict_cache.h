// A disk cache of verdicts.
#pragma once

#include <filesystem>
#include <optional>

#include "core/json_cache.h"
#include "judges/judge.h"

namespace lethe {

class VerdictCache {
 public:
  /// @param folder  empty: caches nothing
  explicit VerdictCache(std::filesystem::path folder) : cache_(std::move(folder)) {}
  /// $XDG_CACHE_HOME/lethe/verdicts, else ~/.cache/lethe/verdicts; empty without a home
  static std::filesystem::path default_folder();

  const std::filesystem::path& folder() const { return cache_.folder(); }
  /// @param asked  all that the verdict depends on
  std::optional<Verdict> find(const Json& asked) const;
  /// Stores a verdict that has harm. Exchanges that could not be judged are evaluated again next time.
  void keep(const Json& asked, const Verdict& verdict) const;

 private:
  JsonCache cache_;
};

}  // namespace lethe
