#include "core/staged_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <thread>

#include "core/error.h"
#include "core/file_error.h"
#include "core/file_lock.h"
#include "core/finish_folder.h"
#include "core/folder_names.h"
#include "core/interrupt.h"
#include "core/orphans.h"
#include "core/output_place.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

std::mutex staged_mutex;
std::set<fs::path> staged_folders;

// Removes all uncommitted staged folders of this process, and prevents later commits. The process ends right after it.
void remove_staged_folders() noexcept {
  bool locked = false;  // never unlocked; bounded tries, since the calling thread may hold it
  for (int tries = 0; tries < 100 && !(locked = staged_mutex.try_lock()); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  if (!locked) return;
  std::error_code ignored;
  for (const auto& folder : staged_folders) {
    // Another thread may still write there until it finds that its folder is gone.
    for (int tries = 0; tries < 100 && fs::exists(folder, ignored); ++tries) fs::remove_all(folder, ignored);
  }
}

}  // namespace

StagedFolder::StagedFolder(const fs::path& final_path)
    : final_(checked_output_folder(final_path)), place_(output_place(final_)) {
  clean_up_on_sudden_end(remove_staged_folders);
  const fs::path parent = place_.parent_path();
  make_parent_folders(place_);
  const std::string prefix = staging_prefix(place_);
  remove_orphans(parent, prefix);
  for (;;) {
    staging_ = parent / (prefix + random_letters());
    if (::mkdir(staging_.c_str(), 0700) != 0) throw file_error("create", final_, errno);
    lock_ = Descriptor(::open(staging_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const int number = errno;
    if (!lock_ && number != ENOENT) {
      ::rmdir(staging_.c_str());
      throw file_error("create", final_, number);
    }
    // Until the new folder is locked, another process may treat it as an orphan.
    const Locking locking = lock_ ? lock_now(lock_.get()) : Locking::busy;
    if (locking != Locking::busy && is_at(lock_.get(), staging_)) break;
  }
  const std::lock_guard lock(staged_mutex);
  staged_folders.insert(staging_);
}

StagedFolder::~StagedFolder() {
  if (finished_) return;
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
  const std::lock_guard lock(staged_mutex);
  staged_folders.erase(staging_);
}

void StagedFolder::commit(Access access) {
  const std::lock_guard lock(staged_mutex);  // a folder being removed must not get its final name
  if (access == Access::normal) open_to_others(staging_);
  finished_ = true;
  staged_folders.erase(staging_);
  try {
    rename_folder(staging_, place_);
  } catch (Error& error) {
    const fs::path free = free_name(place_);
    const bool renamed = ::rename(staging_.c_str(), free.c_str()) == 0;
    if (renamed && free == place_) return;                          // the second attempt succeeded
    if (!renamed) (void)::chmod(staging_.c_str(), S_ISVTX | 0755);  // marks it as not an orphan
    throw error.with("kept", (renamed ? free : staging_).string() + " holds the whole result");
  }
}

}  // namespace lethe
