#include "core/cache_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "core/error.h"
#include "core/file_error.h"

namespace lethe {
namespace fs = std::filesystem;

fs::path cache_folder(const std::string& name) {
  // A relative path does not count (XDG Base Directory Specification): it would be another folder in each directory.
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return fs::path(cache) / "lethe" / name;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".cache" / "lethe" / name;
  return {};
}

bool make_private_folder(const fs::path& folder) {
  fs::path path;
  for (const fs::path& part : folder) {
    path /= part;
    if (path == path.root_path()) continue;
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      const int number = errno;
      struct stat there {};
      if (::stat(path.c_str(), &there) != 0) throw file_error("create", path, number);
    }
  }
  struct stat found {};
  if (::lstat(folder.c_str(), &found) != 0) throw file_error("open", folder, errno);
  return S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & 077) == 0;
}

}  // namespace lethe
