#include "core/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"
#include "core/file_error.h"
#include "core/file_lock.h"
#include "core/mapped_file.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

void write_all(int descriptor, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw file_error("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

// A temporary name in the same folder. It is short, so any file system that takes the file's name takes it.
fs::path temporary_name(const fs::path& folder) {
  return folder / (".lethe-partial-" + random_letters());
}

// For file systems without unnamed files.
void write_under_another_name(const fs::path& path, const fs::path& folder, std::string_view content, Access access) {
  const fs::path temporary = temporary_name(folder);
  FileWriter writer(temporary, access);
  writer.write(content);
  writer.close();
  if (::rename(temporary.c_str(), path.c_str()) == 0) return;
  const int number = errno;
  ::unlink(temporary.c_str());
  throw file_error("write", path, number);
}

// Gives an unnamed file this name. @return 0, or errno
int link_as(int descriptor, const fs::path& name) {
  const std::string open = "/proc/self/fd/" + std::to_string(descriptor);
  return ::linkat(AT_FDCWD, open.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

}  // namespace

std::string read_file(const fs::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void write_file(const fs::path& path, std::string_view content, Access access) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  Descriptor file(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, access == Access::owner_only ? 0600 : 0666));
  if (!file && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
    return write_under_another_name(path, folder, content, access);
  if (!file) throw file_error("write", path, errno);
  write_all(file.get(), content, path);
  if (::fsync(file.get()) != 0) throw file_error("write", path, errno);
  int number = link_as(file.get(), path);
  if (number == 0) return;
  if (number == ENOENT || number == EXDEV || number == EPERM)  // no /proc, or a file system without such links
    return write_under_another_name(path, folder, content, access);
  if (number != EEXIST) throw file_error("write", path, number);
  // The path exists: only rename() replaces it atomically.
  const fs::path temporary = temporary_name(folder);
  number = link_as(file.get(), temporary);
  if (number == 0 && ::rename(temporary.c_str(), path.c_str()) == 0) return;
  if (number == 0) {
    number = errno;
    ::unlink(temporary.c_str());
  }
  throw file_error("write", path, number);
}

}  // namespace lethe
