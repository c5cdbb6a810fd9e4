#include "core/unfinished_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "core/error.h"
#include "core/file_error.h"
#include "core/file_lock.h"
#include "core/finish_folder.h"
#include "core/folder_names.h"
#include "core/orphans.h"
#include "core/output_place.h"
#include "core/write_in_place.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLock = ".lock";
constexpr const char* kAtWork = "lethe: an unfinished run\n";
constexpr const char* kWhole = "lethe: an unfinished run, whole\n";  // only its final name is missing

Error cannot_use(const fs::path& path, const std::string& found) {
  return bad_input("cannot write to " + path.string()).found(found);
}

Error not_ours(const fs::path& path, const std::string& found) {
  return cannot_use(path, found).hint("move it away, or name another --out");
}

std::string marker_of(int lock, const fs::path& folder) {
  std::array<char, 64> text{};
  std::string marker;
  for (;;) {
    const ssize_t size = ::pread(lock, text.data(), text.size(), static_cast<off_t>(marker.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw file_error("read", folder / kLock, errno);
    marker.append(text.data(), static_cast<std::size_t>(size));
    if (size == 0 || marker.size() > text.size()) return marker;
  }
}

// Compares the beginning only: a run may be killed while it replaces the text.
bool is_marker(const std::string& text) {
  return text.starts_with("lethe: an unfinished run");
}

bool holds_only_lock(const fs::path& folder) {
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    if (entry->path().filename() != kLock) return false;
  }
  if (failed) throw file_error("read", folder, failed.value());
  return true;
}

// Opens the lock file, if this user owns it and it has no other link.
Descriptor open_lock(int folder, const fs::path& path, int flags) {
  Descriptor lock(::openat(folder, kLock, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | flags, 0600));
  struct stat status {};
  if (!lock) return lock;
  if (::fstat(lock.get(), &status) != 0) throw file_error("write to", path, errno);
  if (!S_ISREG(status.st_mode) || status.st_nlink > 1 || !is_private(status, path.parent_path()))
    throw not_ours(path, "a folder whose " + std::string(kLock) + " is not the one of a run of yours");
  return lock;
}

bool still_in(int folder, int lock) {
  struct stat open {
  }, named{};
  return ::fstat(lock, &open) == 0 && ::fstatat(folder, kLock, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

// Removes what a folder with its final name must not hold, then opens the folder to others.
void complete(const fs::path& out, const std::string& precious) {
  std::error_code failed;
  for (int tries = 0; tries < 2; ++tries) {
    fs::remove_all(out / precious, failed);
    if (!failed) fs::remove(out / kLock, failed);  // last: while the file exists, this step is repeated
    if (!failed) break;
  }
  if (failed) {
    throw Error("cannot remove " + (out / precious).string())
        .with("reason", failed.message())
        .hint("the run is finished; remove this folder yourself: it may hold the model that was made worse on purpose");
  }
  open_to_others(out);
}

}  // namespace

void complete_commit(const fs::path& final_path, const std::string& precious) {
  const fs::path out = output_place(final_path);
  const Descriptor folder(::open(out.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!folder || ::fstat(folder.get(), &status) != 0 || !is_private(status, out.parent_path())) return;
  const Descriptor lock(::openat(folder.get(), kLock, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  // If the user names an unfinished run by its folder (RUN.unfinished), it is not complete, and nothing is removed.
  if (!lock || marker_of(lock.get(), out) != kWhole || lock_now(lock.get()) != Locking::done) return;
  if (is_at(folder.get(), out) && still_in(folder.get(), lock.get())) complete(out, precious);
}

UnfinishedFolder::UnfinishedFolder(const fs::path& final_path, Start start, std::string precious)
    : place_(output_place(final_path)), precious_(std::move(precious)) {
  complete_commit(place_, precious_);
  final_ = checked_output_folder(final_path);
  path_ = unfinished_name(place_);
  make_parent_folders(place_);
  remove_orphans(path_.parent_path(), staging_prefix(place_));
  acquire(start);
  try {
    checked_output_folder(final_path);  // again: the run that held the lock may have finished
    if (marker_of(lock_.get(), path_) == kWhole && start == Start::fresh) {
      throw cannot_use(final_, "a finished run that did not get this name, " + path_.string())
          .hint("give it another: mv " + path_.string() + " …; or remove it, or name another --out");
    }
    if (start == Start::fresh && holds_precious()) {
      throw cannot_use(final_, "an unfinished run, " + path_.string())
          .hint("go on with it: --resume " + final_.string() + "; or remove it, or name another --out");
    }
    set_marker(kAtWork);
    if (start == Start::resume) return;
    for (const auto& entry : fs::directory_iterator(path_)) {
      if (entry.path().filename() != kLock) fs::remove_all(entry.path());
    }
  } catch (...) {
    discard_if_empty();
    throw;
  }
}

void UnfinishedFolder::acquire(Start start) {
  // Retries if the folder is renamed or removed while it is opened.
  for (int tries = 0; tries < 1000; ++tries) {
    if (try_acquire(start)) return;
  }
  throw cannot_use(path_, "a folder that other processes make and remove all the time");
}

bool UnfinishedFolder::try_acquire(Start start) {
  const bool made = start == Start::fresh && ::mkdir(path_.c_str(), 0700) == 0;
  if (start == Start::fresh && !made && errno != EEXIST) throw file_error("write to", path_, errno);
  folder_ = Descriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder_) {
    const int number = errno;
    if (made) ::rmdir(path_.c_str());
    if (number == ENOTDIR || number == ELOOP) throw not_ours(path_, "a link or a file of that name, not a folder");
    if (number != ENOENT) throw file_error("write to", path_, number);
    if (start == Start::fresh) return false;
    throw bad_input("cannot go on with " + final_.string())
        .found("no " + path_.string())
        .hint("only an interrupted run can be gone on with, from the folder that was its --out");
  }
  struct stat status {};
  if (::fstat(folder_.get(), &status) != 0) throw file_error("write to", path_, errno);
  if (!made && !is_private(status, path_.parent_path()))
    throw not_ours(path_, "a folder of another user's, or one that others may write to");

  lock_ = open_lock(folder_.get(), path_, 0);
  if (!lock_ && errno == ENOENT) {
    if (!is_at(folder_.get(), path_)) return false;
    if (!made && !holds_only_lock(path_)) throw not_ours(path_, "a folder that no run of lethe made");
    lock_ = open_lock(folder_.get(), path_, O_CREAT);
  }
  const Locking locking = lock_ ? lock_now(lock_.get()) : Locking::impossible;
  if (locking == Locking::busy) {
    if (!is_at(folder_.get(), path_)) return false;
    throw cannot_use(path_, "another run at work there").hint("wait for it, or name another --out");
  }
  if (locking == Locking::impossible) {
    const int number = errno;
    const bool opened = static_cast<bool>(lock_);
    if (made) discard();
    throw opened ? no_lock_error(path_, number) : file_error("write to", path_, number);
  }
  if (!is_at(folder_.get(), path_) || !still_in(folder_.get(), lock_.get())) return false;
  std::string marker;
  try {
    marker = marker_of(lock_.get(), path_);
  } catch (const Error&) {
    if (made) discard_if_empty();  // or --resume would find a run without a recipe
    throw;
  }
  if (!made && !is_marker(marker) && !(marker.empty() && holds_only_lock(path_)))
    throw not_ours(path_, "a folder that no run of lethe made");
  return true;
}

UnfinishedFolder::~UnfinishedFolder() {
  if (state_ == State::at_work && !holds_precious()) discard();
}

void UnfinishedFolder::discard_if_empty() noexcept {
  try {
    if (holds_only_lock(path_)) discard();
  } catch (const Error&) {  // the error in flight says more
  }
}

void UnfinishedFolder::discard() noexcept {
  if (!is_at(folder_.get(), path_)) return;
  // Renames first, so that a run that starts now does not find half a folder.
  const fs::path gone = path_.parent_path() / (staging_prefix(place_) + random_letters());
  std::error_code failed;
  fs::rename(path_, gone, failed);
  fs::remove_all(failed ? path_ : gone, failed);
}

void UnfinishedFolder::set_marker(const char* text) {
  // Never truncates first: a folder without a marker belongs to nobody.
  int number = ::lseek(lock_.get(), 0, SEEK_SET) != 0 ? errno : 0;
  if (number == 0) number = write_pieces(lock_.get(), text);
  if (number == 0 && ::ftruncate(lock_.get(), static_cast<off_t>(std::string_view(text).size())) != 0) number = errno;
  if (number != 0) throw file_error("write to", path_, number);
}

bool UnfinishedFolder::holds_precious() const {
  std::error_code ignored;
  return state_ != State::committed && fs::is_directory(fs::symlink_status(path_ / precious_, ignored)) &&
         !fs::is_empty(path_ / precious_, ignored);
}

void UnfinishedFolder::commit() {
  try {
    set_marker(kWhole);     // so that a fresh start does not overwrite it, and the next command can complete it
  } catch (const Error&) {  // no space: the precious folder still protects it, if there is one
  }
  try {
    if (!is_at(folder_.get(), path_)) throw Error("cannot finish " + final_.string()).found("another folder there");
    rename_folder(path_, place_);
  } catch (Error& error) {
    state_ = State::whole;
    error.with("kept", path_.string() + " holds all of the run");
    throw error.hint(holds_precious()
                         ? "move away what lies at " + final_.string() + ", then --resume " + final_.string()
                         : "give it another name: mv " + path_.string() + " …");
  }
  state_ = State::committed;
  complete(place_, precious_);
}

}  // namespace lethe
