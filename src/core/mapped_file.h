// Memory-maps a file, for weights, tokenizers and hashing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace lethe {

/// A read-only memory map of a whole file; an empty file maps to an empty span. A pipe is read to its end first
/// (core/input_file.h).
class MappedFile {
 public:
  /// @throws Error (bad input) naming the path if it is missing, a folder, or cannot be read
  explicit MappedFile(const std::filesystem::path& path);

  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }
  const std::filesystem::path& path() const { return path_; }
  /// Keeps the map alive after this object is destroyed.
  std::shared_ptr<const void> owner() const { return data_; }
  /// Asks the system to start reading these bytes.
  void prefetch(std::size_t begin, std::size_t end) const;
  /// Tells the system that these bytes will not be needed again (keeps the resident size small while streaming).
  void release(std::size_t begin, std::size_t end) const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<const std::byte> data_;
  std::size_t size_ = 0;
};

/// The printable path of the mapped file that contains an address; nullptr if there is none. A signal handler may call
/// it.
const char* mapped_path_at(const void* address) noexcept;

}  // namespace lethe
