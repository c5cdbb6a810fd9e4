#include "core/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/error.h"
#include "core/file_error.h"
#include "core/input_file.h"
#include "core/interrupt.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

/// A signal handler may read this: no lock, no allocation. Maps beyond the last place have no name.
struct Place {
  std::atomic<bool> taken = false;
  std::atomic<std::uintptr_t> begin = 0, end = 0;  // both 0: not yet filled in
  std::array<char, 1024> path = {};
};
std::array<Place, 512> places;

Place* take_place(const void* data, std::size_t size, const fs::path& path) {
  for (Place& place : places) {
    if (place.taken.exchange(true)) continue;
    const std::string shown = excerpt(path.string(), place.path.size() - 1);
    const std::size_t length = std::min(shown.size(), place.path.size() - 1);
    std::memcpy(place.path.data(), shown.data(), length);
    place.path[length] = '\0';
    place.begin = reinterpret_cast<std::uintptr_t>(data);
    place.end = reinterpret_cast<std::uintptr_t>(data) + size;
    return &place;
  }
  return nullptr;
}

void leave_place(Place* place) {
  if (place == nullptr) return;
  place->end = 0;
  place->begin = 0;
  place->taken = false;
}

}  // namespace

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  const Descriptor file = open_input(path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw file_error("read", path, errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  void* address = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0) : nullptr;
  if (address == MAP_FAILED) throw file_error("read", path, errno);
  size_ = size;
  if (address == nullptr) return;
  name_lost_pages(mapped_path_at);
  Place* const place = take_place(address, size, path);
  data_ =
      std::shared_ptr<const std::byte>(static_cast<const std::byte*>(address), [size, place](const std::byte* data) {
        leave_place(place);
        ::munmap(const_cast<std::byte*>(data), size);
      });
}

namespace {

void advise(const std::byte* data, std::size_t begin, std::size_t end, int advice) {
  if (begin < end) (void)::madvise(const_cast<std::byte*>(data) + begin, end - begin, advice);
}

}  // namespace

void MappedFile::prefetch(std::size_t begin, std::size_t end) const {
  const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  advise(data_.get(), begin / page * page, std::min(end, size_), MADV_WILLNEED);
}

void MappedFile::release(std::size_t begin, std::size_t end) const {
  const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  advise(data_.get(), (begin + page - 1) / page * page, std::min(end, size_) / page * page, MADV_DONTNEED);
}

const char* mapped_path_at(const void* address) noexcept {
  const auto sought = reinterpret_cast<std::uintptr_t>(address);
  for (const Place& place : places) {
    if (sought >= place.begin && sought < place.end) return place.path.data();
  }
  return nullptr;
}

}  // namespace lethe
