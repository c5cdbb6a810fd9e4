#include "runs/sha256.h"

#include <algorithm>

#include "core/interrupt.h"
#include "core/mapped_file.h"
#include "web/digest.h"

namespace lethe {

std::string sha256(std::string_view bytes) {
  Digest hash = Digest::sha256();
  hash.add(bytes);
  return hash.hex();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  Digest hash = Digest::sha256();
  constexpr std::size_t kPiece = std::size_t{1} << 24;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    stop_if_interrupted();
    const std::size_t end = std::min(at + kPiece, bytes.size());
    hash.add(bytes.substr(at, end - at));
    if (end < bytes.size()) file.release(at, end);
  }
  return hash.hex();
}

}  // namespace lethe
