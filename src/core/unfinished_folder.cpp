#include "core/unfinished_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"
#include "core/files.h"
#include "core/output_place.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLock = ".lock";

Error cannot_use(const fs::path& path, const std::string& found) {
  return bad_input("cannot write to " + path.string()).found(found);
}

/// @param made  just now: removed again where it cannot be locked
int locked(const fs::path& folder, bool made) {
  const int descriptor = ::open((folder / kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    const int number = errno;
    if (made) ::rmdir(folder.c_str());
    throw file_error("write to", folder, number);
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  ::close(descriptor);
  throw cannot_use(folder, "another run at work there").hint("wait for it, or name another --out");
}

}  // namespace

fs::path unfinished_name(const fs::path& final_path) {
  fs::path name = fs::absolute(final_path).lexically_normal();
  if (name.filename().empty()) name = name.parent_path();  // "out/"
  return name.parent_path() / (name.filename().string() + ".unfinished");
}

fs::path free_name(const fs::path& name, const std::string& ending) {
  const std::string first = (name.has_filename() ? name : name.parent_path()).string() + ending;
  fs::path free = first;
  for (int number = 2; fs::exists(free) || fs::exists(unfinished_name(free)); ++number)
    free = first + "-" + std::to_string(number);
  return free;
}

UnfinishedFolder::UnfinishedFolder(const fs::path& final_path, Start start, std::string precious)
    : final_(checked_output_folder(final_path)), path_(unfinished_name(final_)), precious_(std::move(precious)) {
  std::error_code ignored;
  const bool exists = fs::is_directory(path_, ignored) && !fs::is_symlink(path_, ignored);
  if (start == Start::resume && !exists) {
    throw bad_input("cannot go on with " + final_.string())
        .found("no " + path_.string())
        .hint("only an interrupted run can be gone on with, from the folder that was its --out");
  }
  make_parent_folders(final_);
  if (!exists && ::mkdir(path_.c_str(), 0700) != 0) throw file_error("write to", path_, errno);
  lock_ = locked(path_, !exists);
  if (start == Start::resume) return;
  if (holds_precious()) {
    ::close(lock_);
    throw cannot_use(final_, "an unfinished run, " + path_.string())
        .hint("go on with it: --resume " + final_.string() + "; or remove it, or name another --out");
  }
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (entry.path().filename() != kLock) fs::remove_all(entry.path());
  }
}

UnfinishedFolder::~UnfinishedFolder() {
  if (!committed_ && !holds_precious()) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  if (lock_ >= 0) ::close(lock_);
}

bool UnfinishedFolder::holds_precious() const {
  std::error_code ignored;
  return !committed_ && fs::is_directory(path_ / precious_, ignored) && !fs::is_empty(path_ / precious_, ignored);
}

void UnfinishedFolder::commit() {
  fs::remove_all(path_ / precious_);
  fs::remove(path_ / kLock);
  // Private while at work; from here on as open as any folder the user makes.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::chmod(path_.c_str(), 0777 & ~mask);
  rename_folder(path_, final_);
  committed_ = true;
}

}  // namespace lethe
