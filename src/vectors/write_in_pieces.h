// Computes a tensor in pieces on all threads and writes each at once, so that memory does not grow with the tensor and
// writing overlaps with computing.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>

#include "formats/safetensors.h"

namespace lethe {

struct PiecewiseTensor {
  std::int64_t count = 0;  ///< values
  at::ScalarType type = at::kFloat;
  /// Fills `result`, the values from `begin` on. Several threads call it. It throws what is wrong with the values.
  std::function<void(std::int64_t begin, const at::Tensor& result)> compute;
  /// Called with the elements whose inputs are no longer needed; may be empty.
  std::function<void(std::int64_t begin, std::int64_t end)> release;
};

/// @param room  reserves the next bytes of the tensor in its file: CheckpointWriter::room(), SafetensorsWriter::room()
void write_in_pieces(const PiecewiseTensor& tensor, const std::function<Room(std::uint64_t bytes)>& room);

}  // namespace lethe
