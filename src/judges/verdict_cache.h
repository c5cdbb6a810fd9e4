// Verdicts that were paid for already, on disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "judges/judge.h"

namespace lethe {

/// One small file a verdict, named by a hash of what was asked and read only if it holds the very same; readable by its
/// owner alone, for it holds the judged texts.
class VerdictCache {
 public:
  /// @param folder  empty: nothing is kept
  explicit VerdictCache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// $XDG_CACHE_HOME/lethe/verdicts, else ~/.cache/lethe/verdicts; empty without a home
  static std::filesystem::path default_folder();

  const std::filesystem::path& folder() const { return folder_; }
  /// @param asked  all that the verdict depends on
  std::optional<Verdict> find(const Json& asked) const;
  /// Keeps a verdict that has harm; what could not be judged is asked again the next time.
  void keep(const Json& asked, const Verdict& verdict) const;

 private:
  std::filesystem::path path_of(const std::string& asked) const;
  std::filesystem::path folder_;
};

}  // namespace lethe
