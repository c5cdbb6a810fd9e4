#include "core/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/file_lock.h"
#include "core/mapped_file.h"
#include "core/numbers.h"
#include "core/output_file.h"
#include "core/output_place.h"
#include "core/terminal.h"
#include "core/unfinished_folder.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

std::mutex staged_mutex;
std::set<fs::path> staged_folders;

void sync_folder(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

void write_all(int descriptor, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw file_error("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

// A name beside a file, short enough wherever the file's own name is.
fs::path temporary_name(const fs::path& folder) {
  return folder / (".lethe-partial-" + random_letters());
}

// Where the file system has no files without a name.
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

// Gives a file without a name this one. @return 0, or errno
int link_as(int descriptor, const fs::path& name) {
  const std::string open = "/proc/self/fd/" + std::to_string(descriptor);
  return ::linkat(AT_FDCWD, open.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

bool is_mount_point(const fs::path& folder) {
  struct statx status {};
  return ::statx(AT_FDCWD, folder.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

Error file_error(const std::string& doing, const fs::path& path, int number) {
  auto error = number == ENOSPC || number == EIO || number == EDQUOT
                   ? Error("cannot " + doing + " " + path.string())
                   : bad_input("cannot " + doing + " " + path.string());
  error.with("reason", std::strerror(number));
  if (number == ENOENT) error.hint("check the path; relative paths start at " + fs::current_path().string());
  if (number == ENOSPC) error.hint("free some space, or write to another disk");
  return error;
}

std::string read_file(const fs::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

FileWriter::FileWriter(const fs::path& path, Access access) : path_(path) {
  file_ = Descriptor(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, access == Access::owner_only ? 0600 : 0666));
  if (file_) return;
  const int number = errno;
  if (number == EEXIST) file_ = open_in_place(path);
  if (!file_) throw file_error("write", path, number);
  in_place_ = true;
}

FileWriter::~FileWriter() {
  if (file_ && !in_place_) ::unlink(path_.c_str());
}

void FileWriter::write(std::span<const std::byte> bytes) {
  if (!in_place_) return write_at(extend(bytes.size()), bytes);
  const int number = write_pieces(file_.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (number != 0 && number != EPIPE) throw file_error("write", path_, number);
}

std::uint64_t FileWriter::extend(std::uint64_t bytes) {
  // The disk begins on what is there while the rest is still being made; close() has less to wait for.
  constexpr std::uint64_t stride = std::uint64_t{1} << 25;
  const std::uint64_t begin = size_, whole = begin / stride * stride;
  if (whole > begun_) {
    ::sync_file_range(file_.get(), static_cast<off64_t>(begun_), static_cast<off64_t>(whole - begun_),
                      SYNC_FILE_RANGE_WRITE);
    begun_ = whole;
  }
  size_ += bytes;
  return begin;
}

void FileWriter::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw file_error("write", path_, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void FileWriter::close() {
  Descriptor file = std::move(file_);
  if (in_place_) return;
  if (::fsync(file.get()) != 0 || ::close(file.release()) != 0) {
    const int number = errno;
    ::unlink(path_.c_str());
    throw file_error("write", path_, number);
  }
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
  // Something lies there: only rename() replaces it at once.
  const fs::path temporary = temporary_name(folder);
  number = link_as(file.get(), temporary);
  if (number == 0 && ::rename(temporary.c_str(), path.c_str()) == 0) return;
  if (number == 0) {
    number = errno;
    ::unlink(temporary.c_str());
  }
  throw file_error("write", path, number);
}

fs::path output_place(const fs::path& given) {
  std::error_code failed;
  fs::path place = fs::absolute(given, failed);
  if (!place.has_filename()) place = place.parent_path();  // "out/"
  const bool named = place.filename() != "." && place.filename() != "..";
  const fs::path parent = fs::weakly_canonical(named ? place.parent_path() : place, failed);
  if (failed) return place.lexically_normal();
  fs::path whole = named ? parent / place.filename() : parent;
  return whole.has_filename() ? whole : whole.parent_path();
}

fs::path checked_output_folder(const fs::path& path) {
  fs::path final = path;
  const std::string given = path.string();
  if (given.empty()) throw bad_usage("no output folder was given");
  if (final.filename().empty()) final = final.parent_path();  // "out/"
  std::error_code ignored;
  if (fs::is_symlink(final, ignored) && !fs::is_directory(final, ignored)) {
    throw bad_input("cannot write to " + given)
        .found("a link that leads nowhere")
        .hint("name a folder that does not exist yet");
  }
  if (fs::exists(final, ignored) && (!fs::is_directory(final) || fs::is_symlink(final) || !fs::is_empty(final))) {
    throw bad_input("cannot write to " + given)
        .found(fs::is_symlink(final)     ? "a link to " + fs::weakly_canonical(final).string()
               : fs::is_directory(final) ? "a folder that already holds something"
                                         : "a file of that name")
        .hint("name a folder that does not exist yet, or remove this one yourself");
  }
  if (is_mount_point(final)) {
    throw bad_input("cannot write to " + given)
        .found("a mount point, which no finished folder can replace")
        .hint("name a new folder within it");
  }
  return final;
}

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

StagedFolder::StagedFolder(const fs::path& final_path)
    : final_(checked_output_folder(final_path)), place_(output_place(final_)) {
  std::error_code ignored;
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
    // Another process may take the new folder for an orphan until it is locked.
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

void StagedFolder::commit() {
  const std::lock_guard lock(staged_mutex);  // what is being removed does not get its final name
  open_to_others(staging_);
  finished_ = true;
  staged_folders.erase(staging_);
  try {
    rename_folder(staging_, place_);
  } catch (Error& error) {
    const fs::path free = free_name(place_);
    const bool renamed = ::rename(staging_.c_str(), free.c_str()) == 0;
    if (renamed && free == place_) return;                          // it failed once only
    if (!renamed) (void)::chmod(staging_.c_str(), S_ISVTX | 0755);  // so that nobody takes it for an orphan
    throw error.with("kept", (renamed ? free : staging_).string() + " holds the whole result");
  }
}

void remove_staged_folders() noexcept {
  bool locked = false;  // and never unlocked; not for ever, since the holder may be the thread that calls
  for (int tries = 0; tries < 100 && !(locked = staged_mutex.try_lock()); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  if (!locked) return;
  std::error_code ignored;
  for (const auto& folder : staged_folders) {
    // Another thread may be writing there still, until it finds its folder gone.
    for (int tries = 0; tries < 100 && fs::exists(folder, ignored); ++tries) fs::remove_all(folder, ignored);
  }
}

}  // namespace lethe
