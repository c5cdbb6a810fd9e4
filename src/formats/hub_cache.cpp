#include "formats/hub_cache.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/join.h"
#include "core/similar.h"
#include "core/trimmed.h"
#include "formats/checkpoint.h"
#include "formats/not_a_checkpoint.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

fs::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == 0) return {};
  const std::string text = value;
  const char* home = std::getenv("HOME");
  return home != nullptr && (text == "~" || text.starts_with("~/")) ? fs::path(home + text.substr(1)) : fs::path(text);
}

ModelDownloader& downloader() {
  static ModelDownloader chosen;
  return chosen;
}

// Whether a name stays within the cache: no "..", not absolute.
bool stays_within(const std::string& name) {
  if (name.empty() || name.front() == '/') return false;
  const fs::path path = name;
  return std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

// The snapshot of a branch, a tag or a commit (or its prefix), or an empty path.
fs::path snapshot_of(const fs::path& repository, const std::string& revision) {
  const fs::path snapshots = repository / "snapshots";
  if (!stays_within(revision)) return {};
  if (fs::is_regular_file(repository / "refs" / revision)) {
    const std::string commit(trimmed(read_file(repository / "refs" / revision)));
    if (stays_within(commit) && fs::is_directory(snapshots / commit)) return snapshots / commit;
  }
  std::vector<std::string> matching;
  for (const std::string& commit : names_in(snapshots)) {
    if (revision.size() >= 6 && commit.starts_with(revision)) matching.push_back(commit);
  }
  return matching.size() == 1 ? snapshots / matching[0] : fs::path();
}

// What cannot be a name on the Hub: "./model", "/data/model", "~/model", "runs/opt/model", "model/", "model.gguf".
bool is_path(const std::string& name) {
  const bool begins = name.starts_with("/") || name.starts_with(".") || name.starts_with("~");
  const std::string repository = name.substr(0, name.find('@'));
  const auto slashes = std::count(repository.begin(), repository.end(), '/');
  const bool file = name.ends_with(".gguf") || name.ends_with(".safetensors") || name.ends_with(".bin");
  return begins || slashes > 1 || name.ends_with("/") || file;
}

Error no_such_folder(const std::string& name) {
  Error error = bad_input("cannot find the checkpoint " + excerpt(name, 200));
  error.wanted("a folder that exists").found("no such folder");
  // Finds the first missing part of the path, and similar names in its folder.
  fs::path there;
  for (const fs::path& part : fs::path(name).lexically_normal()) {
    if (fs::exists(there / part)) {
      there /= part;
      continue;
    }
    const std::vector<std::string> near = similar(part.string(), names_in(there.empty() ? "." : there));
    if (!near.empty()) error.hint("did you mean " + excerpt((there / near[0]).string(), 200) + "?");
    break;
  }
  return error;
}

// Whether a snapshot holds weights. Another tool may have downloaded config.json alone.
bool holds_weights(const fs::path& snapshot) {
  for (const char* file : {"model.safetensors", "adapter_model.safetensors"}) {
    if (fs::exists(snapshot / file)) return true;
  }
  const fs::path index = snapshot / "model.safetensors.index.json";
  if (!fs::exists(index)) return false;
  const std::vector<std::string> shards = shards_of(index);
  return std::all_of(shards.begin(), shards.end(),
                     [&](const std::string& shard) { return fs::exists(snapshot / shard); });
}

}  // namespace

fs::path hub_home() {
  if (fs::path home = from_environment("HF_HOME"); !home.empty()) return home;
  if (const fs::path cache = from_environment("XDG_CACHE_HOME"); !cache.empty()) return cache / "huggingface";
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : ".") / ".cache" / "huggingface";
}

fs::path hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (fs::path cache = from_environment(name); !cache.empty()) return cache;
  }
  return hub_home() / "hub";
}

HubName split_hub_name(const std::string& name) {
  const std::size_t at_sign = name.find('@');
  if (at_sign == std::string::npos) return {.repository = name};
  return {.repository = name.substr(0, at_sign), .revision = name.substr(at_sign + 1)};
}

fs::path cached_repository(const std::string& repository) {
  std::string folder = "models--" + repository;
  for (std::size_t at = folder.find('/'); at != std::string::npos; at = folder.find('/', at))
    folder.replace(at, 1, "--");
  return hub_cache() / folder;
}

fs::path cached_snapshot(const HubName& name) {
  if (name.repository.find("..") != std::string::npos) return {};
  return snapshot_of(cached_repository(name.repository), name.revision);
}

ModelDownloader set_model_downloader(ModelDownloader download) {
  return std::exchange(downloader(), std::move(download));
}

fs::path resolve_model_folder(const std::string& name) {
  if (fs::exists(name)) {
    if (!fs::is_directory(name)) throw not_a_checkpoint_file(name);
    return name;
  }
  if (is_path(name)) throw no_such_folder(name);
  const HubName wanted = split_hub_name(name);
  const fs::path snapshot = cached_snapshot(wanted);
  if (!snapshot.empty() && (!downloader() || holds_weights(snapshot))) return snapshot;
  // If a folder runs/ exists, "runs/opt" is a mistyped path.
  const std::size_t slash = name.find('/');
  const bool mistyped = slash != std::string::npos && fs::is_directory(name.substr(0, slash));
  if (downloader() && !mistyped) return downloader()(name);
  const fs::path repository = cached_repository(wanted.repository);
  Error error = bad_input("cannot find the checkpoint " + excerpt(name, 200));
  error.wanted("a folder, or a model of the local Hugging Face cache");
  if (name.find("..") == std::string::npos && fs::is_directory(repository)) {
    std::vector<std::string> names = names_in(repository / "refs");
    for (std::string& known : names_in(repository / "snapshots")) names.push_back(std::move(known));
    const std::string known = join(names, ", ");
    error.found("no revision " + excerpt(wanted.revision) + " in " + repository.string() + ", but " +
                (known.empty() ? "none at all" : excerpt(known, 300)));
    throw error.hint("NAME@REVISION takes one of these; lethe pull " + excerpt(name, 200) + " downloads another");
  }
  if (mistyped) throw no_such_folder(name);
  throw error.found("neither this folder nor " + repository.string())
      .hint("lethe pull " + excerpt(name, 200) + " downloads it, and so does --download");
}

}  // namespace lethe
