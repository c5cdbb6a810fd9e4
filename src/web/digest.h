// Hashes that others publish for their files: SHA-256, and the SHA-1 of a git blob.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // of OpenSSL's libcrypto

namespace lethe {

/// A hash over bytes that arrive in pieces, by OpenSSL's libcrypto.
class Digest {
 public:
  /// FIPS 180-4, section 6.2.
  static Digest sha256();
  /// SHA-1 over "blob SIZE\0" and the content: the name of a file of this many bytes in git ("Git Objects", Pro Git).
  static Digest git_blob(std::uint64_t size);

  void add(std::string_view bytes);
  /// Adds a file piece by piece, so that memory does not grow with it; an interrupt ends it.
  /// @param advance  called with the bytes of each piece
  /// @throws Error (bad input) if the file cannot be read
  void add_file(const std::filesystem::path& path, const std::function<void(std::uint64_t)>& advance = {});
  /// The digits in small letters. Call it once, at the end.
  std::string hex();

 private:
  explicit Digest(const char* algorithm);
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace lethe
