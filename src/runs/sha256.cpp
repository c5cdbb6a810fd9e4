#include "runs/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/mapped_file.h"

namespace lethe {
namespace {

class Sha256 {
 public:
  Sha256() { check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr)); }
  void add(std::string_view bytes) { check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size())); }
  std::string digest() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int size = 0;
    check(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size));
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += "0123456789abcdef"[bytes[i] >> 4];
      text += "0123456789abcdef"[bytes[i] & 15];
    }
    return text;
  }

 private:
  static void check(int done) {
    if (done != 1) throw Error("cannot compute a SHA-256 hash").found("an error of OpenSSL's libcrypto");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.digest();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  Sha256 hash;
  constexpr std::size_t kPiece = std::size_t{1} << 24;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    stop_if_interrupted();
    const std::size_t end = std::min(at + kPiece, bytes.size());
    hash.add(bytes.substr(at, end - at));
    if (end < bytes.size()) file.release(at, end);
  }
  return hash.digest();
}

}  // namespace lethe
