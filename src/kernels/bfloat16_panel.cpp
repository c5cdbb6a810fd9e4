// Panels are packed for each product and never kept: weights stay as they are stored, mapped from the file. That takes
// about 8% of a training step.
#include "kernels/bfloat16_panel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstring>
#include <utility>

namespace lethe {

#if defined(__x86_64__)

namespace {

constexpr int kSide = 16;  // a block of 16 pairs of rows and 16 columns fills 16 registers

/// Two numbers of one column, for 16 columns.
typedef std::uint32_t PairLanes __attribute__((vector_size(64)));
/// Numbers of one row, for 32 columns.
typedef std::uint16_t RowLanes __attribute__((vector_size(64)));

/// Exchanges bit `Step` of the number of a register with the same bit of the place in it. After all four bits, a block
/// is transposed.
template <int Step, int Row, int... Places>
[[gnu::always_inline]] inline void exchange([[maybe_unused]] PairLanes* rows, std::integer_sequence<int, Places...>) {
  if constexpr ((Row & Step) == 0) {
    const PairLanes first = rows[Row], second = rows[Row + Step];
    rows[Row] = __builtin_shufflevector(first, second, ((Places & Step) != 0 ? kSide + Places - Step : Places)...);
    rows[Row + Step] =
        __builtin_shufflevector(first, second, ((Places & Step) != 0 ? kSide + Places : Places + Step)...);
  }
}

template <int Step, int... Rows>
[[gnu::always_inline]] inline void exchange_all(PairLanes* rows, std::integer_sequence<int, Rows...> places) {
  (exchange<Step, Rows>(rows, places), ...);
}

/// Transposes 16 rows of 16 pairs. @param from_row, to_row  distances of two rows
[[gnu::target("avx512f,avx512bw")]] void transpose_block(const std::uint16_t* from, std::int64_t from_row,
                                                         std::uint16_t* to, std::int64_t to_row) {
  PairLanes rows[kSide];
  for (int i = 0; i < kSide; ++i) std::memcpy(&rows[i], from + i * from_row, sizeof(PairLanes));
  constexpr auto places = std::make_integer_sequence<int, kSide>();
  exchange_all<8>(rows, places);
  exchange_all<4>(rows, places);
  exchange_all<2>(rows, places);
  exchange_all<1>(rows, places);
  for (int i = 0; i < kSide; ++i) std::memcpy(to + i * to_row, &rows[i], sizeof(PairLanes));
}

template <int... Places>
[[gnu::always_inline]] inline void interleave(const std::uint16_t* even, const std::uint16_t* odd, std::uint16_t* to,
                                              std::integer_sequence<int, Places...>) {
  RowLanes first, second;
  std::memcpy(&first, even, sizeof(first));
  std::memcpy(&second, odd, sizeof(second));
  const RowLanes low = __builtin_shufflevector(first, second, ((Places & 1) * 32 + Places / 2)...);
  const RowLanes high = __builtin_shufflevector(first, second, ((Places & 1) * 32 + 16 + Places / 2)...);
  std::memcpy(to, &low, sizeof(low));
  std::memcpy(to + 32, &high, sizeof(high));
}

/// Columns that lie side by side in memory: two rows of them are interleaved.
[[gnu::target("avx512f,avx512bw")]] void interleave_rows(const std::uint16_t* even, const std::uint16_t* odd,
                                                         std::uint16_t* to) {
  for (std::int64_t j = 0; j < panel_columns; j += 32)
    interleave(even + j, odd + j, to + 2 * j, std::make_integer_sequence<int, 32>());
}

/// Pairs [begin, end) of columns [first, last), one number at a time.
void pack_edge(const Bfloat16Columns& b, std::int64_t begin, std::int64_t end, std::int64_t first, std::int64_t last,
               std::uint16_t* panel) {
  for (std::int64_t i = 2 * begin; i < 2 * end; ++i) {
    for (std::int64_t j = first; j < last; ++j) {
      panel[(i / 2 * panel_columns + j) * 2 + i % 2] =
          i < b.k && j < b.columns ? b.values[i * b.row + j * b.column] : std::uint16_t{0};
    }
  }
}

}  // namespace

bool has_bfloat16_instructions() {
  static const bool has = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw");
  return has;
}

[[gnu::target("avx512f,avx512bw,avx512bf16")]] void round_to_bfloat16(const float* from, std::int64_t count,
                                                                      std::uint16_t* to) {
  constexpr std::int64_t step = 16;
  std::int64_t i = 0;
  for (; i + step <= count; i += step) {
    const auto narrow = _mm512_cvtneps_pbh(_mm512_loadu_ps(from + i));
    std::memcpy(to + i, &narrow, sizeof(narrow));
  }
  if (i == count) return;
  const auto rest = static_cast<std::size_t>(count - i);
  const auto narrow = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << rest) - 1), from + i));
  std::memcpy(to + i, &narrow, rest * sizeof(*to));
}

void pack_panel(const Bfloat16Columns& b, std::uint16_t* panel) {
  const std::int64_t pairs = (b.k + 1) / 2, whole = b.k / 2;
  if (b.column == 1) {
    constexpr std::int64_t ahead = 16;
    const std::int64_t fast = b.columns == panel_columns ? whole : 0;
    for (std::int64_t i = 0; i < fast; ++i) {
      const std::uint16_t* row = b.values + 2 * i * b.row;
      for (std::int64_t line = 0; line < 4; ++line)  // rows lie too far apart for the CPU to foresee them
        __builtin_prefetch(row + (ahead + line / 2) * b.row + line % 2 * (panel_columns / 2), 0, 3);
      interleave_rows(row, row + b.row, panel + i * 2 * panel_columns);
    }
    pack_edge(b, fast, pairs, 0, panel_columns, panel);
    return;
  }
  for (std::int64_t j = 0; j < panel_columns; j += kSide) {
    std::int64_t i = 0;
    for (; j + kSide <= b.columns && i + kSide <= whole; i += kSide)
      transpose_block(b.values + j * b.column + 2 * i, b.column, panel + (i * panel_columns + j) * 2,
                      2 * panel_columns);
    pack_edge(b, i, pairs, j, j + kSide, panel);
  }
}

void columns_to_rows(const Bfloat16Columns& b, std::uint16_t* panel, std::uint16_t* rows, std::int64_t distance) {
  pack_panel(b, panel);
  const std::int64_t pairs = (b.k + 1) / 2;
  for (std::int64_t j = 0; j < b.columns; j += kSide) {
    std::int64_t i = 0;
    for (; j + kSide <= b.columns && i + kSide <= pairs; i += kSide)
      transpose_block(panel + (i * panel_columns + j) * 2, 2 * panel_columns, rows + j * distance + 2 * i, distance);
    for (; i < pairs; ++i) {
      for (std::int64_t column = j; column < std::min(j + kSide, b.columns); ++column)
        std::memcpy(rows + column * distance + 2 * i, panel + (i * panel_columns + column) * 2, 2 * sizeof(*rows));
    }
  }
}

#else

bool has_bfloat16_instructions() {
  return false;
}

void round_to_bfloat16(const float*, std::int64_t, std::uint16_t*) {}

void pack_panel(const Bfloat16Columns&, std::uint16_t*) {}

void columns_to_rows(const Bfloat16Columns&, std::uint16_t*, std::uint16_t*, std::int64_t) {}

#endif

}  // namespace lethe
