#include "core/finish_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/error.h"
#include "core/file_error.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

void sync_folder(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

void rename_folder(const fs::path& from, const fs::path& to) {
  sync_folder(from);
  if (::rename(from.c_str(), to.c_str()) != 0) throw file_error("finish", to, errno);
  sync_folder(fs::absolute(to).parent_path());
}

void open_to_others(const fs::path& folder) {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  (void)::chmod(folder.c_str(), 0777 & ~mask);  // not every file system has modes
}

}  // namespace lethe
