#include "core/write_in_place.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "core/error.h"
#include "core/file_error.h"
#include "core/input_file.h"
#include "core/interrupt.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

Descriptor open_pipe_or_device(const fs::path& path) {
  for (;;) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    const int number = errno;
    std::error_code none;
    if (file) return file;
    // ENXIO: the pipe has no reader yet, or the device does not exist.
    if (number != ENXIO || !fs::is_fifo(path, none)) throw file_error("write", path, number);
    stop_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

fs::path output_target(const fs::path& given) {
  fs::path path = given;
  std::error_code none;
  for (int links = 0; links < 40; ++links) {
    if (descriptor_named_by(path) >= 0 || !fs::is_symlink(path, none)) return path;
    const fs::path to = fs::read_symlink(path, none);
    path = to.is_absolute() ? to : path.parent_path() / to;
  }
  throw file_error("write", given, ELOOP);
}

Descriptor open_in_place(const fs::path& given) {
  const fs::path path = output_target(given);
  if (const int number = descriptor_named_by(path); number >= 0) {
    Descriptor file(::fcntl(number, F_DUPFD_CLOEXEC, 3));
    if (!file) throw file_error("write", given, errno);
    return file;
  }
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  if (!there || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return Descriptor();
  return open_pipe_or_device(path);
}

int write_pieces(int descriptor, std::string_view content) {
  while (!content.empty()) {
    struct pollfd wait {
      descriptor, POLLOUT, 0
    };
    if (::poll(&wait, 1, 100) == 0) {  // milliseconds
      stop_if_interrupted();
      continue;
    }
    // A writable pipe has room for this many bytes, so the call returns at once.
    const ssize_t written = ::write(descriptor, content.data(), std::min<std::size_t>(content.size(), 4096));
    if (written >= 0) {
      content.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return errno;
    }
  }
  return 0;
}

}  // namespace lethe
