#include "web/pull.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "core/descriptor.h"
#include "core/error.h"
#include "core/file_error.h"
#include "core/file_lock.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/join.h"
#include "core/messages.h"
#include "core/trimmed.h"
#include "formats/checkpoint.h"
#include "web/download.h"
#include "web/hub.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kLargestSideFile = std::uint64_t{1} << 28;  // bytes; tokenizers have up to 40 MB
constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kAdapter = "adapter_model.safetensors";
constexpr mode_t kLockMode = 0664;  // as huggingface_hub's locks

const HubFile* find_file(const HubListing& listing, std::string_view path) {
  const auto found =
      std::find_if(listing.files.begin(), listing.files.end(), [&](const HubFile& file) { return file.path == path; });
  return found == listing.files.end() ? nullptr : &*found;
}

// Whether Lethe reads a file besides the weights: configuration, tokenizer, chat template. Of folders only the pooling
// of a sentence encoder.
bool is_side_file(const std::string& path) {
  static const std::set<std::string> tokenizers = {"tokenizer.model", "spm.model",  "spiece.model",
                                                   "vocab.txt",       "merges.txt", "sentencepiece.bpe.model"};
  if (path == "1_Pooling/config.json") return true;
  if (path.find('/') != std::string::npos) return false;
  return path.ends_with(".json") || path.ends_with(".jinja") || tokenizers.contains(path);
}

// Repositories with weights in other formats alone are refused before anything is downloaded.
void check_weights(const HubListing& listing, const HubName& name) {
  for (const char* file : {kWeights, kIndex, kAdapter}) {
    if (find_file(listing, file) != nullptr) return;
  }
  std::vector<std::string> others;
  for (const HubFile& file : listing.files) {
    for (const char* ending : {".bin", ".gguf", ".safetensors", ".pt", ".pth", ".h5", ".msgpack", ".onnx"}) {
      if (file.path.ends_with(ending)) others.push_back(file.path);
    }
  }
  if (others.empty()) return;  // a tokenizer alone
  throw bad_input("cannot use " + name.repository)
      .wanted(std::string(kWeights) + ", " + kIndex + " or " + kAdapter)
      .found(excerpt(join(others, ", "), 300))
      .hint(
          "a revision or another repository with safetensors (docs/reference/formats.md tells how to convert pickles)");
}

// Another lethe may be downloading the same model, and both would write the same partial files.
class RepositoryLock {
 public:
  explicit RepositoryLock(const fs::path& repository) {
    const fs::path folder = repository.parent_path() / ".locks" / repository.filename();
    fs::create_directories(folder);
    const fs::path path = folder / "lethe.lock";
    file_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode));
    if (!file_) throw file_error("open", path, errno);
    // Whatever the umask, so that others who share the cache can take the lock. Only its owner can do this.
    if (::fchmod(file_.get(), kLockMode) != 0 && errno != EPERM) throw file_error("open", path, errno);
    for (int waits = 0;; ++waits) {
      const Locking locking = lock_now(file_.get());
      held_ = locking == Locking::done;
      if (locking != Locking::busy) return;
      if (waits == 0) say("waiting for another lethe that downloads the same model");
      stop_if_interrupted();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  /// False if the file system has no locks.
  bool held() const { return held_; }

 private:
  Descriptor file_;
  bool held_ = false;
};

void create_folders(const fs::path& folder) {
  std::error_code reason;
  fs::create_directories(folder, reason);
  if (reason) throw file_error("create the folder", folder, reason.value());
}

// Links a name in the snapshot to its blob, relative to it, as huggingface_hub does.
void link_file(const fs::path& snapshot, const HubFile& file) {
  const fs::path link = snapshot / file.path;
  create_folders(link.parent_path());
  fs::path target = fs::path("..") / ".." / "blobs" / file.hash;
  if (file.path.find('/') != std::string::npos) target = ".." / target;
  std::error_code reason;
  if (fs::read_symlink(link, reason) == target) return;
  const fs::path fresh = link.string() + "." + random_letters() + ".tmp";
  fs::create_symlink(target, fresh, reason);
  if (!reason) fs::rename(fresh, link, reason);
  if (reason) throw file_error("link", link, reason.value());
}

void write_revision(const fs::path& repository, const std::string& revision, const std::string& commit) {
  if (revision == commit) return;
  const fs::path file = repository / "refs" / revision;
  std::error_code none;
  if (fs::is_regular_file(file, none) && trimmed(read_file(file)) == commit) return;
  create_folders(file.parent_path());
  write_file(file, commit);
}

fs::path cached_alone(const HubName& name, const std::string& given) {
  if (fs::path snapshot = cached_snapshot(name); !snapshot.empty()) return snapshot;
  throw bad_input("cannot download " + excerpt(given, 200))
      .wanted("a model of the cache " + hub_cache().string() + ", since HF_HUB_OFFLINE is set")
      .found("none of this name and revision")
      .hint("unset HF_HUB_OFFLINE");
}

fs::path download_model(const std::string& given) {
  const HubName name = split_hub_name(given);
  const Hub hub = open_hub();
  if (hub.offline) return cached_alone(name, given);
  Download download{.hub = hub,
                    .name = name,
                    .listing = list_files(hub, name, "cannot download " + excerpt(name.repository, 200)),
                    .repository = {}};
  const HubListing& listing = download.listing;
  if (listing.name != name.repository)
    warn(name.repository + " is now called " + listing.name + " on the Hub; the cache keeps the name you gave");
  check_weights(listing, name);

  download.repository = cached_repository(name.repository);
  create_folders(download.repository / "blobs");
  const RepositoryLock lock(download.repository);
  download.keep_partial = lock.held();
  std::vector<HubFile> files;
  std::copy_if(listing.files.begin(), listing.files.end(), std::back_inserter(files),
               [](const HubFile& file) { return is_side_file(file.path); });
  for (const HubFile& file : files) {
    if (file.size > kLargestSideFile)  // the index of the weights is read as a whole
      throw bad_input("cannot download " + excerpt(file.path, 200) + " of " + name.repository)
          .wanted("at most " + with_commas(kLargestSideFile) + " bytes")
          .found(with_commas(file.size));
  }
  download_files(download, files);

  // The index names the shards.
  std::vector<std::string> weights;
  if (find_file(listing, kWeights) != nullptr) {
    weights = {kWeights};
  } else if (const HubFile* index = find_file(listing, kIndex)) {
    weights = shards_of(download.repository / "blobs" / index->hash);
  }
  if (find_file(listing, kAdapter) != nullptr) weights.push_back(kAdapter);
  std::vector<HubFile> large;
  for (const std::string& path : weights) {
    const HubFile* file = find_file(listing, path);
    if (file == nullptr) {
      throw bad_input("cannot download " + name.repository)
          .wanted(excerpt(path, 200) + ", which the index of the weights names")
          .found("no such file in the repository");
    }
    large.push_back(*file);
  }
  download_files(download, large);

  files.insert(files.end(), large.begin(), large.end());
  const fs::path snapshot = download.repository / "snapshots" / listing.commit;
  create_folders(snapshot);
  for (const HubFile& file : files) link_file(snapshot, file);
  write_revision(download.repository, name.revision, listing.commit);
  return snapshot;
}

}  // namespace

fs::path pull_model(const std::string& given) {
  return going_on_later([] { return "what was downloaded is kept"; }, [&] { return download_model(given); });
}

}  // namespace lethe
