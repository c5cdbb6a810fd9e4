// Frozen 4-bit weights in NF4, the format of QLoRA (Dettmers et al. 2023) and bitsandbytes.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace lethe {

/// A matrix in blocks of 64 weights along its rows. A weight is stored as the nearest level, relative to the block's
/// largest magnitude. 4.5 bits per weight.
struct Nf4Matrix {
  at::Tensor codes;   ///< [⌈rows·columns / 2⌉] uint8: two weights a byte, the first one in the high half
  at::Tensor scales;  ///< [⌈rows·columns / 64⌉] float32
  std::int64_t rows = 0, columns = 0;
  at::Tensor pairs;          ///< [256, 2] float32: both levels of each byte, on a GPU; undefined on a CPU
  bool by_bfloat16 = false;  ///< products with float32 activations round both factors (nn/bfloat16_product.h)

  bool defined() const { return codes.defined(); }
  std::uint64_t bytes() const { return codes.nbytes() + scales.nbytes(); }
  /// [rows, columns] in `type`.
  at::Tensor values(at::ScalarType type) const;
  /// The same with LibTorch operators, as on a GPU: a table of 256 pairs gives both weights of a byte at once.
  /// @param piece  weights looked up at a time, a multiple of 64: temporary memory is six bytes for each of them
  at::Tensor looked_up(at::ScalarType type, std::int64_t piece = std::int64_t{1} << 24) const;
  Nf4Matrix to(at::Device device) const;
};

/// @param weight  [rows, columns], floating; read in float32
Nf4Matrix to_nf4(const at::Tensor& weight);

/// y = x·Wᵀ + bias; with `transposed`, x·W + bias. Differentiable in x and bias; W is unpacked for each use and
/// never kept.
/// @param x  [T, columns], or [T, rows] with `transposed`
at::Tensor nf4_product(const at::Tensor& x, const Nf4Matrix& weight, const at::Tensor& bias, bool transposed);

}  // namespace lethe
