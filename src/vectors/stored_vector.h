// A task vector opened from its folder, without reading its values.
#pragma once

#include <filesystem>
#include <memory>

#include "formats/adapter.h"
#include "formats/vector_info.h"

namespace lethe {

class StoredVector {
 public:
  /// @throws Error (bad input) as read_vector_info(), SafetensorsFile and Adapter do, or for a tensor of integers
  explicit StoredVector(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  const VectorInfo& info() const { return info_; }
  /// nullptr if it holds weights
  const Adapter* adapter() const { return adapter_.get(); }
  /// The file of its tensors, of either kind.
  const SafetensorsFile& file() const { return adapter_ ? adapter_->file() : *weights_; }

 private:
  std::filesystem::path folder_;
  VectorInfo info_;
  std::unique_ptr<const Adapter> adapter_;
  std::unique_ptr<const SafetensorsFile> weights_;
};

/// A vector and its weight in a sum: −α subtracts it.
struct WeightedVector {
  const StoredVector* vector;
  double weight = 1;
};

}  // namespace lethe
