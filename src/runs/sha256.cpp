#include "runs/sha256.h"

#include "web/digest.h"

namespace lethe {

std::string sha256(std::string_view bytes) {
  Digest hash = Digest::sha256();
  hash.add(bytes);
  return hash.hex();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  Digest hash = Digest::sha256();
  hash.add_file(path);
  return hash.hex();
}

}  // namespace lethe
