// Converts tensors of files to LibTorch's tensors and back.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <span>
#include <string>

#include "core/error.h"
#include "formats/dtype.h"

namespace lethe {

/// LibTorch's type. @throws Error (bad input) for one that it lacks
at::ScalarType scalar_type(DType type);
/// @throws Error for a type that safetensors lacks
DType dtype_of(at::ScalarType type);

/// A tensor over memory-mapped values: read-only, and valid only while the map exists. Values at an odd address (after
/// a header of odd length) are copied.
/// @param owner  keeps the map alive as long as the tensor; may be null
at::Tensor tensor_over(const TensorSpec& spec, std::span<const std::byte> values,
                       std::shared_ptr<const void> owner = nullptr);

/// Whether no value is NaN or infinite.
bool is_finite(const at::Tensor& values);
/// Copies and converts values between contiguous tensors of one size in memory, on all threads.
/// @return whether they are finite in their new type
bool copy_finite(const at::Tensor& from, const at::Tensor& to);
Error not_finite(const std::string& name, const std::string& doing);
/// @param doing  begins the error: "cannot load the model opt-2.7b"
/// @throws Error (bad input) if a value is NaN or infinite: whatever is computed with it would be, too
void require_finite(const at::Tensor& values, const std::string& name, const std::string& doing);

/// The values of a contiguous tensor in memory, as a file stores them.
std::span<const std::byte> bytes_of(const at::Tensor& tensor);

/// Name, type and shape for a writer.
TensorSpec spec_of(const std::string& name, const at::Tensor& tensor);

}  // namespace lethe
