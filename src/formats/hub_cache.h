// The local Hugging Face cache, which huggingface_hub shares: models--facebook--opt-2.7b/{blobs/<hash>, refs/main,
// snapshots/<commit>/…}, where snapshots link to blobs.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace lethe {

/// A model of the Hub: "facebook/opt-2.7b", or "facebook/opt-2.7b@REVISION".
struct HubName {
  std::string repository;         ///< "facebook/opt-2.7b"
  std::string revision = "main";  ///< a branch, a tag, or a commit or its prefix
};
/// Checks nothing.
HubName split_hub_name(const std::string& name);

/// $HF_HOME, else huggingface/ in $XDG_CACHE_HOME or ~/.cache: the cache, and the token of `hf auth login`.
std::filesystem::path hub_home();
/// $HF_HUB_CACHE, else hub/ in hub_home().
std::filesystem::path hub_cache();
/// The repository's folder in the cache, which need not exist.
std::filesystem::path cached_repository(const std::string& repository);
/// The cached snapshot of a revision, or an empty path. Files of it may be missing.
std::filesystem::path cached_snapshot(const HubName& name);

/// Downloads a model by name into the cache. @return its snapshot
using ModelDownloader = std::function<std::filesystem::path(const std::string& name)>;

/// Sets what resolve_model_folder() does with a name that is not in the cache, or there without its weights. Without a
/// downloader it refuses such names. The command line sets it for --download. @return the previous one
ModelDownloader set_model_downloader(ModelDownloader download);

}  // namespace lethe
