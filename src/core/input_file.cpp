#include "core/input_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/file_error.h"
#include "core/interrupt.h"
#include "core/numbers.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

/// The copy of a pipe's data.
struct PipeCopy {
  dev_t device;
  ino_t inode;
  Descriptor file;
  Descriptor pipe;  // keeps the inode in use, so that a later pipe cannot have its number
};
std::mutex copies_mutex;
std::vector<PipeCopy> copies;  // one per pipe named on the command line

// Passes on pieces as they arrive. An interrupt ends the wait.
void read_pieces(int descriptor, const fs::path& path, const std::function<void(std::string_view)>& take) {
  std::array<char, 1 << 16> buffer;
  for (;;) {
    struct pollfd wait {
      descriptor, POLLIN, 0
    };
    if (::poll(&wait, 1, 100) == 0) {  // milliseconds
      stop_if_interrupted();
      continue;
    }
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got == 0) return;
    if (got > 0) {
      take({buffer.data(), static_cast<std::size_t>(got)});
    } else if (errno != EINTR && errno != EAGAIN) {
      throw file_error("read", path, errno);
    }
    stop_if_interrupted();
  }
}

// On the disk for temporary files, since data may be larger than memory; in memory if there is none.
Descriptor nameless_file(const fs::path& wanted_by) {
  std::error_code none;
  std::string name = (fs::temp_directory_path(none) / "lethe-input-XXXXXX").string();
  Descriptor file(none ? -1 : ::mkostemp(name.data(), O_CLOEXEC));
  if (file) {
    ::unlink(name.c_str());
  } else {
    file = Descriptor(::memfd_create("lethe-input", MFD_CLOEXEC));
  }
  if (!file) throw file_error("make a copy of", wanted_by, errno);
  return file;
}

Descriptor copy_of(int descriptor, const fs::path& path) {
  Descriptor file = nameless_file(path);
  read_pieces(descriptor, path, [&](std::string_view piece) {
    while (!piece.empty()) {
      const ssize_t written = ::write(file.get(), piece.data(), piece.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        throw file_error("make a copy of", path, errno).hint("TMPDIR names the folder of such copies");
      }
      piece.remove_prefix(static_cast<std::size_t>(written));
    }
  });
  return file;
}

// A new descriptor with its own position.
std::string name_of(int descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

Descriptor open_to_read(const fs::path& path) {
  // A pipe without a writer must not block the program here: read_pieces() waits, and can be interrupted.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file && errno == EWOULDBLOCK) file = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));  // a file's lease
  if (!file && errno == ENXIO) {  // a socket, which has no path
    const int number = descriptor_named_by(path);
    if (number >= 0) file = Descriptor(::fcntl(number, F_DUPFD_CLOEXEC, 3));
  }
  if (!file) throw file_error("read", path, errno);
  return file;
}

// The number of the copy's descriptor, or −1 if the file itself can be read repeatedly.
int copied(const Descriptor& file, const fs::path& path) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw file_error("read", path, errno);
  if (S_ISDIR(status.st_mode)) throw file_error("read", path, EISDIR);
  char first = 0;
  // Files in /proc report size 0 but have content.
  if (S_ISREG(status.st_mode) && (status.st_size > 0 || ::pread(file.get(), &first, 1, 0) <= 0)) return -1;
  const bool device = S_ISBLK(status.st_mode) || (S_ISCHR(status.st_mode) && ::isatty(file.get()) == 0);
  if (device && S_ISCHR(status.st_mode) && ::read(file.get(), &first, 1) == 0) return -1;  // /dev/null: empty
  if (device) throw bad_input("cannot read " + path.string()).wanted("a file or a pipe").found("a device");
  const std::lock_guard lock(copies_mutex);
  for (const PipeCopy& copy : copies) {
    if (copy.device == status.st_dev && copy.inode == status.st_ino) return copy.file.get();
  }
  Descriptor pipe(::open(name_of(file.get()).c_str(), O_PATH | O_CLOEXEC));  // no reader: the sender sees no difference
  copies.push_back({status.st_dev, status.st_ino, copy_of(file.get(), path), std::move(pipe)});
  return copies.back().file.get();
}

}  // namespace

Descriptor open_input(const fs::path& path) {
  Descriptor file = open_to_read(path);
  const int copy = copied(file, path);
  if (copy < 0) return file;
  Descriptor again(::open(name_of(copy).c_str(), O_RDONLY | O_CLOEXEC));
  if (!again) throw file_error("read", path, errno);
  return again;
}

fs::path readable_path(const fs::path& path) {
  const int copy = copied(open_to_read(path), path);
  return copy < 0 ? path : fs::path(name_of(copy));
}

std::string read_standard_input() {
  std::string text;
  read_pieces(STDIN_FILENO, "standard input", [&](std::string_view piece) { text += piece; });
  return text;
}

int descriptor_named_by(const fs::path& path) {
  if (path == "/dev/stdin") return STDIN_FILENO;
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  const std::string folder = path.parent_path().string();
  const bool own = folder == "/dev/fd" || folder == "/proc/self/fd" || folder == "/proc/thread-self/fd" ||
                   folder == "/proc/" + std::to_string(::getpid()) + "/fd";
  const auto number = own ? parse_whole_number(path.filename().string()) : std::nullopt;
  return number && *number >= 0 && *number < (1 << 20) ? static_cast<int>(*number) : -1;
}

}  // namespace lethe
