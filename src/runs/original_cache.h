// What original models answered and how they scored texts, kept across runs in the user's cache folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/json.h"
#include "evaluation/kept_outputs.h"
#include "models/loading.h"
#include "recipe/recipe.h"

namespace lethe {

/// Everything that decides the bits of a model's outputs besides the request: SHA-256 of each file in its folder
/// (weights, configuration, tokenizer), how it is loaded, device, CPU, threads, and the versions and the file of this
/// program. A file's hash is kept by path, size, times and inode, since weights are large.
/// @param hashes  folder for these hashes; empty: none are kept
Json model_identity(const std::filesystem::path& folder, const LoadOptions& load, const std::filesystem::path& hashes);

/// One file for each request, named by the SHA-256 of identity and request, readable by its owner alone: answers may be
/// harmful. A file that is damaged counts as missing and is replaced. No failure of the cache ends a run.
class OriginalCache : public OutputStore {
 public:
  /// @param folder  private to the user (make_private_folder())
  /// @param most_bytes  the files that were not used for longest are removed above this
  OriginalCache(Json identity, std::filesystem::path folder, std::uint64_t most_bytes = kMostBytes);

  std::optional<Json> find(const Json& request) override;
  void keep(const Json& request, const Json& result, double seconds) override;

  /// What was found of earlier runs: "the original's answers are those of 2026-11-30T07:05:00Z (…)"; empty: nothing.
  std::string text() const;
  /// What the results that were found took when they were computed.
  double saved_seconds() const { return saved_; }

  static constexpr std::uint64_t kMostBytes = 256'000'000;

 private:
  std::filesystem::path path_of(const Json& request) const;
  void trim() const;

  Json identity_;
  std::filesystem::path folder_;
  std::uint64_t most_bytes_;
  std::set<std::filesystem::path> own_;  // kept by this object
  std::string oldest_;                   // the time of the oldest result of an earlier run that was found
  double saved_ = 0;
};

/// The cache of a model, in $XDG_CACHE_HOME/lethe/originals or ~/.cache/lethe/originals. Reads all files of the model's
/// folder if their hashes are not known yet. @return null if evaluation.cache is off, or there is no private folder
std::shared_ptr<OriginalCache> original_cache(const EvaluationSettings& settings, const std::filesystem::path& folder,
                                              const LoadOptions& load);

}  // namespace lethe
