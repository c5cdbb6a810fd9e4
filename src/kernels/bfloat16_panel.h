// Brings matrices into the order in which AMX and AVX-512 multiply bfloat16: rows, and columns with the numbers of two
// rows in turns.
#pragma once

#include <cstdint>

namespace lethe {

/// Whether this CPU multiplies bfloat16 numbers (x86 with AVX512_BF16; every CPU with AMX has it too).
bool has_bfloat16_instructions();

/// The nearest numbers of bfloat16, ties to even; numbers below 2⁻¹²⁶ become 0. Requires has_bfloat16_instructions().
void round_to_bfloat16(const float* from, std::int64_t count, std::uint16_t* to);

/// Columns in one panel.
constexpr std::int64_t panel_columns = 64;

/// A part of a matrix b [k, columns] in memory, as bits of bfloat16.
struct Bfloat16Columns {
  const std::uint16_t* values;  ///< b(i, j) = values[i · row + j · column]
  std::int64_t k, columns;      ///< at most panel_columns
  std::int64_t row, column;     ///< distances; one of them is 1
};

/// panel[i][j] = {b(2i, j), b(2i + 1, j)}, zeros outside b. Requires has_bfloat16_instructions().
/// @param panel  [⌈k / 2⌉, panel_columns, 2], written
void pack_panel(const Bfloat16Columns& b, std::uint16_t* panel);

/// rows[j][i] = b(i, j): the columns of b as rows, with a zero after an odd number of them.
/// @param panel     [⌈k / 2⌉, panel_columns, 2], overwritten
/// @param rows      written
/// @param distance  of two rows, at least k and even
void columns_to_rows(const Bfloat16Columns& b, std::uint16_t* panel, std::uint16_t* rows, std::int64_t distance);

}  // namespace lethe
