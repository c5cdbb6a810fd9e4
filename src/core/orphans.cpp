#include "core/orphans.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <system_error>

#include "core/descriptor.h"
#include "core/file_lock.h"
#include "core/terminal.h"

namespace lethe {
namespace fs = std::filesystem;

std::string staging_prefix(const fs::path& name) {
  return "." + name.filename().string() + ".partial-";
}

void remove_orphans(const fs::path& parent, const std::string& prefix) {
  std::error_code failed;
  for (fs::directory_iterator entry(parent, failed), end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(prefix) || name.size() != prefix.size() + random_letters().size()) continue;
    const Descriptor folder(::open(entry->path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!folder || ::fstat(folder.get(), &status) != 0 || !is_private(status, parent)) continue;
    if ((status.st_mode & S_ISVTX) != 0) continue;  // kept on purpose
    const Locking locking = lock_now(folder.get());
    if (locking == Locking::impossible) {
      warn(entry->path().string() +
           " is of a command that is at work, or was killed: this file system has no locks to know. Remove it if none "
           "is");
    }
    // Locked by another process, or finished meanwhile.
    if (locking != Locking::done || !is_at(folder.get(), entry->path())) continue;
    std::error_code ignored;
    fs::remove_all(entry->path(), ignored);
  }
}

}  // namespace lethe
