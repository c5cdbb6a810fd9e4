#include "core/file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/error.h"
#include "core/file_error.h"
#include "core/write_in_place.h"

namespace lethe {
namespace fs = std::filesystem;

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
  // The disk starts writing while the rest is produced, so close() waits less.
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

}  // namespace lethe
