// LibTorch's operators for bfloat16 round each result to bfloat16, and at few rows or in a backward pass spend more
// time on reordering weights than on products. Here panels of one factor are packed by our own loops (kernels/), and
// oneDNN's kernel for small matrices, which LibTorch exports for its compiler, multiplies them.
#include "nn/bfloat16_product.h"

#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "kernels/bfloat16_panel.h"
#include "tensors/parallel.h"

namespace lethe {
namespace {

constexpr std::int64_t kBlockRows = 32;  // the rows that oneDNN's kernel holds in AMX registers

const std::uint16_t* bits_of(const at::Tensor& t) {
  return reinterpret_cast<const std::uint16_t*>(t.const_data_ptr<at::BFloat16>());
}

std::uint16_t* writable_bits_of(const at::Tensor& t) {
  return reinterpret_cast<std::uint16_t*>(t.mutable_data_ptr<at::BFloat16>());
}

/// In bfloat16, with neighbours in memory along one dimension at least.
at::Tensor narrow_matrix(const at::Tensor& t) {
  const at::Tensor narrow = t.to(at::kBFloat16);
  return narrow.stride(0) == 1 || narrow.stride(1) == 1 ? narrow : narrow.contiguous();
}

/// Columns [first, first + panel_columns) of b [k, n].
Bfloat16Columns columns_of(const at::Tensor& b, std::int64_t first) {
  return {.values = bits_of(b) + first * b.stride(1),
          .k = b.size(0),
          .columns = std::min(panel_columns, b.size(1) - first),
          .row = b.stride(0),
          .column = b.stride(1)};
}

/// One panel of a product over k for each thread.
at::Tensor panels_of_threads(std::int64_t k) {
  return at::empty({at::get_num_threads(), (k + 1) / 2 * 2 * panel_columns}, at::kBFloat16);
}

/// a in bfloat16, row after row, with zeros up to whole blocks of rows and pairs of columns.
at::Tensor padded_rows(const at::Tensor& a) {
  const std::int64_t m = a.size(0), k = a.size(1);
  const std::int64_t rows = (m + kBlockRows - 1) / kBlockRows * kBlockRows, columns = (k + 1) / 2 * 2;
  at::Tensor padded = at::empty({rows, columns}, at::kBFloat16);
  std::uint16_t* const to = writable_bits_of(padded);
  std::fill(to + m * columns, to + rows * columns, std::uint16_t{0});
  if (a.stride(1) == 1 && a.scalar_type() == at::kFloat) {
    const float* const from = a.const_data_ptr<float>();
    in_parallel_shares(m, std::max<std::int64_t>(1, (1 << 15) / k), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        round_to_bfloat16(from + i * a.stride(0), k, to + i * columns);
        if (k < columns) to[i * columns + k] = 0;
      }
    });
    return padded;
  }
  const at::Tensor across = narrow_matrix(a).t(), space = panels_of_threads(k);
  in_parallel_shares((m + panel_columns - 1) / panel_columns, 1, [&](std::int64_t begin, std::int64_t end) {
    std::uint16_t* const panel = writable_bits_of(space) + at::get_thread_num() * space.size(1);
    for (std::int64_t i = begin * panel_columns; i < std::min(end * panel_columns, m); i += panel_columns)
      columns_to_rows(columns_of(across, i), panel, to + i * columns, columns);
  });
  return padded;
}

/// Whether oneDNN's kernel runs here: not in every build of LibTorch, nor under every ONEDNN_MAX_CPU_ISA. LibTorch's
/// could_pack() is no answer, since it is false without AMX, where the kernel is twice as fast as float32's.
bool kernel_works() {
  const std::vector<at::BFloat16> ones(kBlockRows * panel_columns, at::BFloat16(1.0F));
  std::vector<float> sums(kBlockRows * panel_columns);
  try {
    at::native::cpublas::brgemm(kBlockRows, panel_columns, /*K=*/2, /*ld_a=*/2, panel_columns, panel_columns,
                                /*add_C=*/false, ones.data(), ones.data(), sums.data());
    at::native::cpublas::brgemm_release();
  } catch (const std::exception&) {  // LibTorch's or oneDNN's own
    return false;
  }
  return std::ranges::all_of(sums, [](float sum) { return sum == 2.0F; });
}

}  // namespace

bool multiplies_bfloat16() {
  static const bool does = has_bfloat16_instructions() && kernel_works();
  return does;
}

std::int64_t skinny_rows_of_bfloat16() {
  static const bool amx = at::native::cpublas::could_pack(at::kBFloat16);
  return amx ? 8 : 32;
}

at::ScalarType activation_type(at::Device device, at::ScalarType weights) {
  return device.is_cpu() && weights == at::kBFloat16 && multiplies_bfloat16() ? at::kFloat : weights;
}

bool mixes_bfloat16(const at::Tensor& a, const at::Tensor& b) {
  const at::ScalarType first = a.scalar_type(), second = b.scalar_type();
  const bool mixed =
      (first == at::kFloat && second == at::kBFloat16) || (first == at::kBFloat16 && second == at::kFloat);
  return mixed && a.dim() == 2 && a.device().is_cpu() && multiplies_bfloat16();
}

void bfloat16_product_into(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool add) {
  const std::int64_t m = a.size(0), k = a.size(1), n = b.size(1);
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (!add) at::Tensor(out).zero_();
    return;
  }
  const at::Tensor left = padded_rows(a), right = narrow_matrix(b), space = panels_of_threads(k);
  const std::int64_t even = left.size(1), blocks = left.size(0) / kBlockRows;
  const std::int64_t panels = (n + panel_columns - 1) / panel_columns;
  const at::BFloat16* rows = left.const_data_ptr<at::BFloat16>();
  float* const sums = out.mutable_data_ptr<float>();
  // Each thread takes consecutive blocks, and packs a panel when it comes to its first block of it.
  in_parallel_shares(panels * blocks, 1, [&](std::int64_t first, std::int64_t last) {
    at::BFloat16* const panel = space.mutable_data_ptr<at::BFloat16>() + at::get_thread_num() * space.size(1);
    std::int64_t packed = -1;
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t column = i / blocks * panel_columns, row = i % blocks * kBlockRows;
      const std::int64_t columns = std::min(panel_columns, n - column), left_rows = std::min(kBlockRows, m - row);
      if (packed != column) {
        pack_panel(columns_of(right, column), reinterpret_cast<std::uint16_t*>(panel));
        packed = column;
      }
      const auto multiply = [&](float* to, std::int64_t distance, bool onto) {
        at::native::cpublas::brgemm(kBlockRows, columns, even, /*ld_a=*/even, /*ld_b=*/panel_columns,
                                    /*ld_c=*/distance, onto, rows + row * even, panel, to);
      };
      if (left_rows == kBlockRows) {
        multiply(sums + row * n + column, n, add);
        continue;
      }
      alignas(64) float
          block[kBlockRows * panel_columns];  // oneDNN compiles a kernel for each number of rows: only one is used
      multiply(block, panel_columns, false);
      for (std::int64_t r = 0; r < left_rows; ++r) {
        for (std::int64_t c = 0; c < columns; ++c) {
          float& sum = sums[(row + r) * n + column + c];
          sum = block[r * panel_columns + c] + (add ? sum : 0.0F);
        }
      }
    }
    at::native::cpublas::brgemm_release();
  });
}

at::Tensor bfloat16_product(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor out = at::empty({a.size(0), b.size(1)}, at::kFloat);
  bfloat16_product_into(out, a, b, /*add=*/false);
  return out;
}

}  // namespace lethe
