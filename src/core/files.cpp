#include "core/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/mapped_file.h"
#include "core/numbers.h"
#include "core/output_place.h"

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

/// A staged folder's lock, held as long as its process is at work; -1 where the file system has none.
int locked_folder(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0 || ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

/// Removes what processes that were killed had staged for the same final name.
void remove_orphans(const fs::path& parent, const std::string& prefix) {
  std::error_code failed;
  for (fs::directory_iterator entry(parent, failed), end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    const std::optional<std::int64_t> process =
        name.starts_with(prefix) ? parse_whole_number(name.substr(prefix.size())) : std::nullopt;
    if (!process || *process <= 0 || ::kill(static_cast<pid_t>(*process), 0) == 0 || errno != ESRCH) continue;
    const int lock = locked_folder(entry->path());  // a process of another machine may hold it
    if (lock < 0) continue;
    std::error_code ignored;
    fs::remove_all(entry->path(), ignored);
    ::close(lock);
  }
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
  descriptor_ =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, access == Access::owner_only ? 0600 : 0666);
  if (descriptor_ < 0) throw file_error("write", path, errno);
}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(path_.c_str());
}

void FileWriter::write(std::span<const std::byte> bytes) {
  write_at(extend(bytes.size()), bytes);
}

std::uint64_t FileWriter::extend(std::uint64_t bytes) {
  // The disk begins on what is there while the rest is still being made; close() has less to wait for.
  constexpr std::uint64_t stride = std::uint64_t{1} << 25;
  const std::uint64_t begin = size_, whole = begin / stride * stride;
  if (whole > begun_) {
    ::sync_file_range(descriptor_, static_cast<off64_t>(begun_), static_cast<off64_t>(whole - begun_),
                      SYNC_FILE_RANGE_WRITE);
    begun_ = whole;
  }
  size_ += bytes;
  return begin;
}

void FileWriter::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw file_error("write", path_, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void FileWriter::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (::fsync(descriptor) != 0 || ::close(descriptor) != 0) {
    const int number = errno;
    ::unlink(path_.c_str());
    throw file_error("write", path_, number);
  }
}

void write_file(const fs::path& path, std::string_view content, Access access) {
  fs::path temporary = path;
  temporary += ".partial-" + std::to_string(::getpid());
  std::error_code ignored;
  fs::remove(temporary, ignored);
  FileWriter writer(temporary, access);
  writer.write(content);
  writer.close();
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int number = errno;
    ::unlink(temporary.c_str());
    throw file_error("write", path, number);
  }
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
  return final;
}

void rename_folder(const fs::path& from, const fs::path& to) {
  sync_folder(from);
  if (::rename(from.c_str(), to.c_str()) != 0) throw file_error("finish", to, errno);
  sync_folder(fs::absolute(to).parent_path());
}

StagedFolder::StagedFolder(const fs::path& final_path, Access access) : final_(checked_output_folder(final_path)) {
  std::error_code ignored;
  const fs::path parent = fs::absolute(final_).parent_path();
  make_parent_folders(final_);
  const std::string prefix = "." + final_.filename().string() + ".partial-";
  remove_orphans(parent, prefix);
  staging_ = parent / (prefix + std::to_string(::getpid()));
  fs::remove_all(staging_, ignored);
  if (::mkdir(staging_.c_str(), access == Access::owner_only ? 0700 : 0777) != 0)
    throw file_error("create", final_, errno);
  lock_ = locked_folder(staging_);
  const std::lock_guard lock(staged_mutex);
  staged_folders.insert(staging_);
}

StagedFolder::~StagedFolder() {
  if (lock_ >= 0) ::close(lock_);
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
  const std::lock_guard lock(staged_mutex);
  staged_folders.erase(staging_);
}

void StagedFolder::commit() {
  const std::lock_guard lock(staged_mutex);  // what is being removed does not get its final name
  rename_folder(staging_, final_);
  committed_ = true;
  staged_folders.erase(staging_);
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
