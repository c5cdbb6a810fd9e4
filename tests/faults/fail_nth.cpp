// For LD_PRELOAD: makes the n-th file call of a program fail, or do half of its work.
//
// Counted are calls on paths under FAULT_PREFIX and on files opened there. FAULT_AT=n (from 1) is the one that fails,
// with the number FAULT_ERRNO; FAULT_ERRNO=short lets a read or write transfer half, which is no failure.
// FAULT_CALL=flock makes every call of that name fail, as on a file system that has no such thing. FAULT_LOG names a
// file that every counted call is appended to ("write /path"), so that a test knows how many there are.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kFiles = 1024;
std::atomic<bool> watched[kFiles];
std::atomic<long> calls{0};

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool under_prefix(const char* path) {
  static const char* prefix = std::getenv("FAULT_PREFIX");
  if (prefix == nullptr || path == nullptr) return false;
  char full[4096];
  if (path[0] != '/') {
    if (getcwd(full, sizeof full / 2) == nullptr) return false;
    std::strncat(full, "/", sizeof full - std::strlen(full) - 1);
    std::strncat(full, path, sizeof full - std::strlen(full) - 1);
    path = full;
  }
  return std::strncmp(path, prefix, std::strlen(prefix)) == 0;
}

bool is_watched(int file) {
  return file >= 0 && file < kFiles && watched[file];
}

void watch(int file, bool on) {
  if (file >= 0 && file < kFiles) watched[file] = on;
}

enum class Fate { as_asked, fails, half };

Fate next(const char* call, const char* path) {
  static const long at = std::getenv("FAULT_AT") != nullptr ? std::atol(std::getenv("FAULT_AT")) : 0;
  static const char* number = std::getenv("FAULT_ERRNO");
  static const char* log = std::getenv("FAULT_LOG");
  const long count = ++calls;
  if (log != nullptr) {
    char line[4200];
    const int size = std::snprintf(line, sizeof line, "%s %s\n", call, path);
    const int file = real<int (*)(const char*, int, ...)>("open")(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file >= 0) {
      (void)!real<ssize_t (*)(int, const void*, size_t)>("write")(file, line, static_cast<size_t>(size));
      real<int (*)(int)>("close")(file);
    }
  }
  static const char* every = std::getenv("FAULT_CALL");
  const bool chosen = count == at || (every != nullptr && std::strcmp(call, every) == 0);
  if (!chosen || number == nullptr) return Fate::as_asked;
  if (std::strcmp(number, "short") == 0) return Fate::half;
  errno = std::atoi(number);
  return Fate::fails;
}

int open_with(const char* name, const char* path, int flags, mode_t mode) {
  if (!under_prefix(path)) return real<int (*)(const char*, int, ...)>(name)(path, flags, mode);
  if (next((flags & O_TMPFILE) == O_TMPFILE ? "open-unnamed" : "open", path) == Fate::fails) return -1;
  const int file = real<int (*)(const char*, int, ...)>(name)(path, flags, mode);
  watch(file, true);
  return file;
}

std::FILE* fopen_with(const char* name, const char* path, const char* mode) {
  if (under_prefix(path) && next("fopen", path) == Fate::fails) return nullptr;
  std::FILE* file = real<std::FILE* (*)(const char*, const char*)>(name)(path, mode);
  if (file != nullptr && under_prefix(path)) watch(fileno(file), true);
  return file;
}

// A path that may be relative to an open folder.
bool is_watched_at(int folder, const char* path) {
  return path[0] == '/' || folder == AT_FDCWD ? under_prefix(path) : is_watched(folder);
}

int openat_with(const char* name, int folder, const char* path, int flags, mode_t mode) {
  const bool counted = is_watched_at(folder, path);
  if (counted && next("open", path) == Fate::fails) return -1;
  const int file = real<int (*)(int, const char*, int, ...)>(name)(folder, path, flags, mode);
  watch(file, counted);
  return file;
}

// A read or write on a watched file: how much of it is done, or −1.
ssize_t share(const char* call, int file, size_t size) {
  if (!is_watched(file)) return static_cast<ssize_t>(size);
  const Fate fate = next(call, "(open file)");
  if (fate == Fate::fails) return -1;
  return static_cast<ssize_t>(fate == Fate::half && size > 1 ? size / 2 : size);
}

}  // namespace

#define MODE_OF(flags)                             \
  mode_t mode = 0;                                 \
  if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {    \
    va_list rest;                                  \
    va_start(rest, flags);                         \
    mode = static_cast<mode_t>(va_arg(rest, int)); \
    va_end(rest);                                  \
  }

extern "C" {

void* __libc_malloc(size_t size);

/// Large allocations of ours, of 64 KiB and more, are counted apart: FAULT_ALLOCATION=n is the one that finds no
/// memory. Ours are operator new's and the tensors'; what the matrix libraries do without memory is theirs.
static bool allocation_fails(size_t size, void* caller, const char* library) {
  static std::atomic<long> allocations{0};
  static const long at = std::getenv("FAULT_ALLOCATION") != nullptr ? std::atol(std::getenv("FAULT_ALLOCATION")) : 0;
  if (at == 0 || size < 65536) return false;
  Dl_info where;
  if (dladdr(caller, &where) == 0 || where.dli_fname == nullptr || std::strstr(where.dli_fname, library) == nullptr)
    return false;
  return ++allocations == at;
}
void* malloc(size_t size) {
  if (!allocation_fails(size, __builtin_return_address(0), "libstdc++")) return __libc_malloc(size);
  errno = ENOMEM;
  return nullptr;
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  if (allocation_fails(size, __builtin_return_address(0), "liblethe_engine")) return ENOMEM;
  static const auto allocate = real<int (*)(void**, size_t, size_t)>("posix_memalign");
  return allocate(memory, alignment, size);
}
int open(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_with("open", path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_with("open64", path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  MODE_OF(flags)
  return openat_with("openat", folder, path, flags, mode);
}
int openat64(int folder, const char* path, int flags, ...) {
  MODE_OF(flags)
  return openat_with("openat64", folder, path, flags, mode);
}
std::FILE* fopen(const char* path, const char* mode) {
  return fopen_with("fopen", path, mode);
}
std::FILE* fopen64(const char* path, const char* mode) {
  return fopen_with("fopen64", path, mode);
}
int close(int file) {
  // The file is closed all the same, as Linux does it.
  const bool fails = is_watched(file) && next("close", "(open file)") == Fate::fails;
  const int number = errno;
  watch(file, false);
  const int result = real<int (*)(int)>("close")(file);
  if (fails) errno = number;
  return fails ? -1 : result;
}
ssize_t read(int file, void* bytes, size_t size) {
  const ssize_t part = share("read", file, size);
  return part < 0 ? -1 : real<ssize_t (*)(int, void*, size_t)>("read")(file, bytes, static_cast<size_t>(part));
}
ssize_t pread(int file, void* bytes, size_t size, off_t at) {
  const ssize_t part = share("read", file, size);
  return part < 0 ? -1
                  : real<ssize_t (*)(int, void*, size_t, off_t)>("pread")(file, bytes, static_cast<size_t>(part), at);
}
ssize_t pread64(int file, void* bytes, size_t size, off64_t at) {
  const ssize_t part = share("read", file, size);
  return part < 0
             ? -1
             : real<ssize_t (*)(int, void*, size_t, off64_t)>("pread64")(file, bytes, static_cast<size_t>(part), at);
}
ssize_t write(int file, const void* bytes, size_t size) {
  const ssize_t part = share("write", file, size);
  return part < 0 ? -1 : real<ssize_t (*)(int, const void*, size_t)>("write")(file, bytes, static_cast<size_t>(part));
}
ssize_t writev(int file, const iovec* parts, int count) {
  return share("write", file, 2) < 0 ? -1 : real<ssize_t (*)(int, const iovec*, int)>("writev")(file, parts, count);
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  const ssize_t part = share("write", file, size);
  return part < 0
             ? -1
             : real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite")(file, bytes, static_cast<size_t>(part), at);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  const ssize_t part = share("write", file, size);
  return part < 0 ? -1
                  : real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64")(file, bytes,
                                                                                     static_cast<size_t>(part), at);
}
int fsync(int file) {
  return is_watched(file) && next("fsync", "(open file)") == Fate::fails ? -1 : real<int (*)(int)>("fsync")(file);
}
int flock(int file, int operation) {
  return is_watched(file) && next("flock", "(open file)") == Fate::fails
             ? -1
             : real<int (*)(int, int)>("flock")(file, operation);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  return is_watched_at(to_folder, to) && next("linkat", to) == Fate::fails
             ? -1
             : real<int (*)(int, const char*, int, const char*, int)>("linkat")(from_folder, from, to_folder, to,
                                                                                flags);
}
int unlinkat(int folder, const char* path, int flags) {
  return is_watched_at(folder, path) && next("unlinkat", path) == Fate::fails
             ? -1
             : real<int (*)(int, const char*, int)>("unlinkat")(folder, path, flags);
}
int ftruncate(int file, off_t size) {
  return is_watched(file) && next("ftruncate", "(open file)") == Fate::fails
             ? -1
             : real<int (*)(int, off_t)>("ftruncate")(file, size);
}
void* mmap(void* address, size_t size, int protection, int flags, int file, off_t at) {
  if (file < 0 && allocation_fails(size, __builtin_return_address(0), "liblethe_engine")) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  if (is_watched(file) && next("mmap", "(open file)") == Fate::fails) return MAP_FAILED;
  return real<void* (*)(void*, size_t, int, int, int, off_t)>("mmap")(address, size, protection, flags, file, at);
}
int rename(const char* from, const char* to) {
  return under_prefix(to) && next("rename", to) == Fate::fails
             ? -1
             : real<int (*)(const char*, const char*)>("rename")(from, to);
}
int mkdir(const char* path, mode_t mode) {
  return under_prefix(path) && next("mkdir", path) == Fate::fails
             ? -1
             : real<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}
DIR* opendir(const char* path) {
  return under_prefix(path) && next("opendir", path) == Fate::fails ? nullptr
                                                                    : real<DIR* (*)(const char*)>("opendir")(path);
}
int chmod(const char* path, mode_t mode) {
  return under_prefix(path) && next("chmod", path) == Fate::fails
             ? -1
             : real<int (*)(const char*, mode_t)>("chmod")(path, mode);
}

}  // extern "C"
