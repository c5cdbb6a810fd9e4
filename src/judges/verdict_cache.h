// A disk cache of verdicts.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "judges/judge.h"

namespace lethe {

/// One small file per verdict, named by a hash of the request and read only if it holds the same request. Only its
/// owner can read it, since it holds the judged texts.
class VerdictCache {
 public:
  /// @param folder  empty: caches nothing
  explicit VerdictCache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// $XDG_CACHE_HOME/lethe/verdicts, else ~/.cache/lethe/verdicts; empty without a home
  static std::filesystem::path default_folder();

  const std::filesystem::path& folder() const { return folder_; }
  /// @param asked  all that the verdict depends on
  std::optional<Verdict> find(const Json& asked) const;
  /// Stores a verdict that has harm. Exchanges that could not be judged are evaluated again next time.
  void keep(const Json& asked, const Verdict& verdict) const;

 private:
  std::filesystem::path path_of(const std::string& asked) const;
  std::filesystem::path folder_;
};

}  // namespace lethe
