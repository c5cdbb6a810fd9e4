// SHA-256 of files, the hash that others publish for data and models.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lethe {

/// 64 hexadecimal digits, by OpenSSL's libcrypto. Source: FIPS 180-4, section 6.2.
std::string sha256(std::string_view bytes);

/// The same over all bytes of a file, as `sha256sum` prints it. Memory does not grow with the file.
/// @throws Error (bad input) if it cannot be read; an interrupt ends it
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace lethe
