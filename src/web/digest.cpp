#include "web/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/mapped_file.h"

namespace lethe {
namespace {

void check_digest(int done) {
  if (done != 1) throw Error("cannot compute a hash").found("an error of OpenSSL's libcrypto");
}

}  // namespace

void Digest::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Digest::Digest(const char* algorithm) : context_(EVP_MD_CTX_new()) {
  check_digest(EVP_DigestInit_ex(context_.get(), EVP_get_digestbyname(algorithm), nullptr));
}

Digest Digest::sha256() {
  return Digest("SHA256");
}

Digest Digest::git_blob(std::uint64_t size) {
  Digest digest("SHA1");
  const std::string head = "blob " + std::to_string(size);
  digest.add({head.c_str(), head.size() + 1});  // with the zero
  return digest;
}

void Digest::add(std::string_view bytes) {
  check_digest(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

void Digest::add_file(const std::filesystem::path& path, const std::function<void(std::uint64_t)>& advance) {
  const MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  constexpr std::size_t kPiece = std::size_t{1} << 24;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    stop_if_interrupted();
    const std::size_t end = std::min(at + kPiece, bytes.size());
    add(bytes.substr(at, end - at));
    if (end < bytes.size()) file.release(at, end);
    if (advance) advance(end - at);
  }
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  check_digest(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size));
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

}  // namespace lethe
