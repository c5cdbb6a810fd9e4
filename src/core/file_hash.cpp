#include "core/file_hash.h"

#include <algorithm>

#include "core/mapped_file.h"
#include "core/numbers.h"
#include "core/random.h"

namespace lethe {

std::string file_hash(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  std::uint64_t hash = 0;
  constexpr std::size_t piece = std::size_t{1} << 24;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::size_t end = std::min(at + piece, bytes.size());
    hash = stable_hash({reinterpret_cast<const char*>(bytes.data()) + at, end - at}, hash);
    file.release(at, end);
  }
  return hex_text(hash);
}

}  // namespace lethe
