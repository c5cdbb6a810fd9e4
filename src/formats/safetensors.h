// Safetensors files: a reader that checks everything, and a streaming writer.
// Layout: u64 little-endian N, N bytes of JSON {name: {dtype, shape, data_offsets}}, then the values
// (docs/reference/formats.md).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/file_writer.h"
#include "core/mapped_file.h"
#include "formats/dtype.h"

namespace lethe {

/// A tensor of a file: its values are bytes [begin, end) after the header.
struct StoredTensor : TensorSpec {
  std::uint64_t begin = 0, end = 0;
};

class SafetensorsFile {
 public:
  /// Memory-maps the file and checks its whole header: length, JSON, types, shapes, and that the values fill the file
  /// without holes or overlaps. @throws Error (bad input) naming file, tensor, wanted and found
  explicit SafetensorsFile(const std::filesystem::path& path);

  /// In the order of their values.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// nullptr if there is none
  const StoredTensor* find(const std::string& name) const;
  std::span<const std::byte> values(const StoredTensor& tensor) const;
  /// Keeps the values in memory after this object is destroyed.
  std::shared_ptr<const void> owner() const { return map_.owner(); }
  /// Asks the system to start reading a tensor.
  void prefetch(const StoredTensor& tensor) const;
  /// Releases the memory pages of a used tensor.
  void release(const StoredTensor& tensor) const;
  /// Releases these bytes of the tensor.
  void release(const StoredTensor& tensor, std::uint64_t begin, std::uint64_t end) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::filesystem::path& path() const { return map_.path(); }

 private:
  MappedFile map_;
  std::uint64_t data_begin_ = 0;
  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::map<std::string, std::string> metadata_;
};

/// A reserved part of a file that is written later.
class Room {
 public:
  Room(FileWriter& file, std::uint64_t begin) : file_(&file), begin_(begin) {}
  /// @param at  in bytes, from the beginning of the room
  void write(std::uint64_t at, std::span<const std::byte> values) { file_->write_at(begin_ + at, values); }

 private:
  FileWriter* file_;
  std::uint64_t begin_;
};

/// Writes one file: the header at once, then the values of each tensor in the order given.
class SafetensorsWriter {
 public:
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata = {{"format", "pt"}},
                    Access access = Access::normal);

  /// The values of the next tensor. @throws Error if their size differs from the announced one, or the disk is full
  void write(std::span<const std::byte> values);
  /// Reserves the next `bytes` of the next tensor's values. Write them in any order, from any thread, before the next
  /// call.
  Room room(std::uint64_t bytes);
  /// Whether the tensor of the last room() is complete.
  bool at_boundary() const { return part_ == 0; }
  /// @throws Error if tensors are missing
  void close();

 private:
  FileWriter file_;
  std::vector<TensorSpec> tensors_;
  std::size_t next_ = 0;
  std::uint64_t part_ = 0;  // bytes of the next tensor that are written
};

}  // namespace lethe
