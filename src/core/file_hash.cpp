#include "core/file_hash.h"

#include <algorithm>
#include <vector>

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

std::string weights_hash(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string ending = entry.path().extension().string();
    if (entry.is_regular_file() && (ending == ".safetensors" || ending == ".bin")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::string hashes;
  for (const std::filesystem::path& file : files) hashes += file_hash(file);
  return hashes;
}

}  // namespace lethe
