#include "web/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "core/descriptor.h"
#include "core/error.h"
#include "core/file_error.h"
#include "core/file_lock.h"
#include "core/interrupt.h"
#include "core/messages.h"
#include "web/digest.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kParallel = 8;
// An attempt that brought this much before the connection was lost does not count against the limit of attempts, but
// only so often.
constexpr std::uint64_t kProgress = std::uint64_t{1} << 20;
constexpr int kMostContinued = 1000;

Digest digest_for(const HubFile& file) {
  return file.hash.size() == 64 ? Digest::sha256() : Digest::git_blob(file.size);
}

// A file on its way into the cache.
class Incoming {
 public:
  Incoming(const HubFile& file, const fs::path& blobs, bool keep_partial)
      : file_(file), blob_(blobs / file.hash), keep_(keep_partial), digest_(digest_for(file)) {
    // Not huggingface_hub's own partial file, to which it may append at the same time.
    partial_ = blob_.string() + ".lethe" + (keep_ ? "" : "." + random_letters()) + ".incomplete";
    struct stat status {};
    if (::lstat(partial_.c_str(), &status) == 0 && S_ISREG(status.st_mode))
      have_ = static_cast<std::uint64_t>(status.st_size);
    if (have_ > file_.size) have_ = 0;
  }
  ~Incoming() {
    if (!keep_ && partial_created_) ::unlink(partial_.c_str());
  }
  Incoming(const Incoming&) = delete;

  const HubFile& file() const { return file_; }
  std::uint64_t have() const { return have_; }

  /// Opens the partial file, and reads what an earlier attempt left in it. @param advance  as of Digest::add_file()
  template <class Advance>
  void open(const Advance& advance) {
    if (have_ > 0) digest_.add_file(partial_, advance);
    descriptor_ = Descriptor(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!descriptor_) throw file_error("write", partial_, errno);
    partial_created_ = true;
    if (have_ == 0) restart();
  }
  void take(std::uint64_t at, std::string_view bytes) {
    if (at != have_ && at == 0) restart();  // the server began at the beginning again
    if (at != have_ || bytes.size() > file_.size - have_) {
      throw Error("cannot download " + excerpt(file_.path, 200))
          .wanted(with_commas(file_.size) + " bytes, as the Hub says")
          .found("more");
    }
    digest_.add(bytes);
    while (!bytes.empty()) {
      const ssize_t count = ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(have_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw file_error("write", partial_, errno);
      have_ += static_cast<std::uint64_t>(count);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void restart() {
    digest_ = digest_for(file_);
    have_ = 0;
    if (::ftruncate(descriptor_.get(), 0) != 0) throw file_error("write", partial_, errno);
  }
  /// Gives a whole file its name. @return whether hash and size are right; if not, the partial file is empty again
  bool finish() {
    struct stat status {};
    if (::fstat(descriptor_.get(), &status) != 0) throw file_error("read", partial_, errno);
    if (digest_.hex() != file_.hash || static_cast<std::uint64_t>(status.st_size) != file_.size) {
      restart();
      return false;
    }
    if (::fsync(descriptor_.get()) != 0) throw file_error("write", partial_, errno);
    descriptor_.close();
    std::error_code reason;
    fs::rename(partial_, blob_, reason);
    if (reason) throw file_error("rename to", blob_, reason.value());
    partial_created_ = false;
    return true;
  }

  std::string url;
  int redirects = 0, damaged = 0, continued = 0;
  std::uint64_t had = 0;  // when the running attempt began

 private:
  HubFile file_;
  fs::path blob_, partial_;
  bool keep_ = true, partial_created_ = false;
  Descriptor descriptor_;
  Digest digest_;
  std::uint64_t have_ = 0;
};

// Whether the cache holds a file whole. Removes nothing: a damaged blob is replaced when its successor is complete.
bool is_whole(const HubFile& file, const fs::path& blob, Progress& progress, std::uint64_t& read) {
  std::error_code none;
  if (!fs::is_regular_file(blob, none)) return false;
  bool whole = fs::file_size(blob, none) == file.size;
  if (whole) {
    Digest digest = digest_for(file);
    digest.add_file(blob, [&](std::uint64_t bytes) { progress.update(read += bytes, file.path); });
    whole = digest.hex() == file.hash;
  }
  if (!whole) warn("the cached " + file.path + " is damaged, and downloaded again (" + blob.string() + ")");
  return whole;
}

void check_space(const fs::path& folder, std::uint64_t needed, const std::string& name) {
  std::error_code none;
  const fs::space_info space = fs::space(folder, none);
  if (none || space.available >= needed) return;
  throw Error("cannot download " + name)
      .wanted(with_commas(needed) + " bytes of disk space in " + folder.string())
      .found(with_commas(space.available))
      .hint("free some space, or set HF_HUB_CACHE to a folder on another disk");
}

// The files that have to be downloaded, each once: two names may have the same content.
std::vector<HubFile> missing_files(const std::vector<HubFile>& files, const fs::path& blobs, const std::string& name) {
  std::uint64_t present = 0, read = 0;
  std::error_code none;
  for (const HubFile& file : files) {
    if (fs::is_regular_file(blobs / file.hash, none)) present += file.size;
  }
  Progress progress("checking the cached files of " + name, present, "bytes");
  std::vector<HubFile> missing;
  std::set<std::string> seen;
  for (const HubFile& file : files) {
    if (seen.insert(file.hash).second && !is_whole(file, blobs / file.hash, progress, read)) missing.push_back(file);
  }
  return missing;
}

// Opens all partial files, which may be gigabytes to read.
void open_all(const std::vector<std::unique_ptr<Incoming>>& incoming, std::uint64_t left, const std::string& name) {
  Progress progress("reading what is there of " + name, left, "bytes");
  std::uint64_t read = 0;
  for (const auto& one : incoming) one->open([&](std::size_t bytes) { progress.update(read += bytes); });
}

}  // namespace

void download_files(const Download& download, const std::vector<HubFile>& files) {
  const Hub& hub = download.hub;
  const std::string& name = download.name.repository;
  const fs::path blobs = download.repository / "blobs";
  std::vector<std::unique_ptr<Incoming>> incoming;
  std::uint64_t total = 0, present = 0;
  for (const HubFile& file : missing_files(files, blobs, name)) {
    incoming.push_back(std::make_unique<Incoming>(file, blobs, download.keep_partial));
    incoming.back()->url = file_url(hub, download.listing.name, download.listing.commit, file.path);
    total += file.size;
    present += incoming.back()->have();
  }
  if (incoming.empty()) return;
  check_space(blobs, total - present, name);
  // The largest first, so that the last minutes are not spent on a single one.
  std::stable_sort(incoming.begin(), incoming.end(),
                   [](const auto& a, const auto& b) { return a->file().size > b->file().size; });
  open_all(incoming, present, name);

  Progress progress("downloading " + name, total - present, "bytes");
  const auto report = [&] {
    std::uint64_t have = 0;
    for (const auto& one : incoming) have += one->have();
    progress.update(have - std::min(have, present));  // the rate is that of this attempt
  };
  HttpCalls calls;
  calls.request = [&](std::size_t number) {
    Incoming& one = *incoming[number];
    one.had = one.have();
    return HttpRequest{.url = one.url,
                       .secret_header = secret_for(hub, one.url),
                       .from = one.have(),
                       .receive = [&](std::uint64_t at, std::string_view bytes) {
                         one.take(at, bytes);
                         report();
                       }};
  };
  calls.read = [&](std::size_t number, const HttpReply& reply) {
    Incoming& one = *incoming[number];
    const std::string what = name + ", file " + excerpt(one.file().path, 200);
    if (!reply.redirect.empty() && one.redirects++ < kMostRedirects) {
      check_redirect(one.url, reply.redirect);
      one.url = reply.redirect;
      return HttpNext::now;
    }
    one.redirects = 0;
    one.url = file_url(hub, download.listing.name, download.listing.commit, one.file().path);  // links expire
    // 416: there is nothing behind the bytes that an earlier attempt left.
    const bool ended = reply.problem.empty() && (reply.status == 200 || reply.status == 206 || reply.status == 416);
    if (ended && one.have() == one.file().size) {
      if (one.finish()) return HttpNext::finished;
      if (one.damaged++ == 0) {
        report();
        return HttpNext::now;
      }
      throw Error("cannot download " + what)
          .wanted("the content with the hash " + one.file().hash)
          .found("another one, twice")
          .hint("again later; a proxy or a mirror between here and the Hub may change files");
    }
    const bool passes = reply.may_pass || ended;
    if (passes && one.have() >= one.had + kProgress && one.continued++ < kMostContinued) return HttpNext::now;
    if (passes && reply.attempts_left) return HttpNext::later;
    if (ended) {
      throw Error("cannot download " + what)
          .wanted(with_commas(one.file().size) + " bytes, as the Hub says")
          .found(with_commas(one.have()));
    }
    throw hub_error(hub, download.name, "cannot download " + what, reply);
  };
  HttpOptions options = hub_http_options(hub);
  options.parallel = kParallel;
  options.most_bytes = 1 << 16;  // of an error's text
  HttpPool(options).send_all(incoming.size(), calls);
}

}  // namespace lethe
