#include "core/file_hash.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "core/mapped_file.h"
#include "core/numbers.h"
#include "core/random.h"

namespace lethe {
namespace {

// Of the files under a folder with one of these endings, in the order of their names.
std::string hashes_of(const std::filesystem::path& folder, std::initializer_list<std::string_view> endings) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string ending = entry.path().extension().string();
    if (entry.is_regular_file() && std::find(endings.begin(), endings.end(), ending) != endings.end())
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::string hashes;
  for (const std::filesystem::path& file : files) hashes += file_hash(file);
  return hashes;
}

}  // namespace

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
  return hashes_of(folder, {".safetensors", ".bin"});
}

std::string settings_hash(const std::filesystem::path& folder) {
  return hashes_of(folder, {".json", ".txt", ".model", ".jinja"});
}

}  // namespace lethe
