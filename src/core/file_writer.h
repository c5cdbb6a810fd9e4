// A new file, written in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "core/descriptor.h"

namespace lethe {

/// Who may read the file. θ_bad, task vectors and snapshots are `owner_only` (0600) from the moment of creation.
enum class Access { normal, owner_only };

/// Writes a new file in pieces at its final path (usually in a StagedFolder), which must not exist. Every write is
/// checked; close() reports delayed errors. The destructor removes a file that was not closed. An existing device, pipe
/// or open descriptor is written in place and kept.
class FileWriter {
 public:
  explicit FileWriter(const std::filesystem::path& path, Access access = Access::normal);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  /// @throws Error with the system's reason (disk full, …)
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Moves the end, for bytes that write_at() fills in, from any thread. @return where they begin
  std::uint64_t extend(std::uint64_t bytes);
  /// Writes at an offset without moving the end.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Flushes to disk (fsync) and closes.
  void close();
  std::uint64_t size() const { return size_; }

 private:
  std::filesystem::path path_;
  Descriptor file_;
  bool in_place_ = false;
  std::uint64_t size_ = 0, begun_ = 0;  // bytes whose disk write was started
};

}  // namespace lethe
