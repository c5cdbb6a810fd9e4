#include "core/file_lock.h"

#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>

#include "core/error.h"

namespace lethe {
namespace fs = std::filesystem;

Locking lock_now(int descriptor) {
  while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    return errno == EWOULDBLOCK ? Locking::busy : Locking::impossible;
  }
  return Locking::done;
}

Error no_lock_error(const fs::path& path, int number) {
  return Error("cannot lock " + path.string())
      .with("reason", std::strerror(number))
      .found("a file system without file locks (flock)")
      .hint(
          "name an --out on another disk, or mount this one with locks (Lustre: -o flock; NFS: with its lock service)");
}

bool is_at(int descriptor, const fs::path& path) {
  struct stat open {
  }, named{};
  return ::fstat(descriptor, &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

std::string random_letters() {
  constexpr char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::random_device random;
  std::string text;
  for (int i = 0; i < 10; ++i) text += letters[random() % 32];
  return text;
}

bool is_private(const struct stat& status, const fs::path& parent) {
  constexpr mode_t others = S_IWGRP | S_IWOTH;
  if (status.st_uid == ::geteuid() && (status.st_mode & others) == 0) return true;
  const fs::path probe = parent / (".lethe-probe-" + random_letters());
  if (::mkdir(probe.c_str(), 0700) != 0) return false;
  struct stat made {};
  const bool known = ::lstat(probe.c_str(), &made) == 0;
  ::rmdir(probe.c_str());
  return known && status.st_uid == made.st_uid && (status.st_mode & others) == (made.st_mode & others);
}

}  // namespace lethe
