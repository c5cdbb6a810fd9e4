// RMSNorm and SwiGLU for float32 on a CPU, forward and backward, each in one pass over memory. LibTorch's operators
// take three to nine passes, with temporaries; norm.cpp and activation.cpp hold the formulas in that form.
#pragma once

#include <cstdint>

namespace lethe {

/// y = x·r·w for each row, r = (mean(x²) + ε)^−½.
/// @param x        [rows, width]
/// @param weight   [width]
/// @param inverse  [rows], r: written
/// @param y        [rows, width], written
void rms_norm_rows(const float* x, const float* weight, std::int64_t rows, std::int64_t width, float epsilon,
                   float* inverse, float* y);

/// Recomputes y from r, bit for bit.
void rms_norm_again(const float* x, const float* weight, const float* inverse, std::int64_t rows, std::int64_t width,
                    float* y);

/// Rows of partial weight gradients that rms_norm_backward() writes and the caller sums; independent of the number of
/// threads.
std::int64_t rms_norm_parts(std::int64_t rows);

/// dx = r·(g·w) − x·r³·mean(g·w·x), and parts of dw = Σ g·x·r.
/// @param g          [rows, width]
/// @param grad_x       [rows, width], written
/// @param grad_weight  [rms_norm_parts(rows), width], written; nullptr: not wanted
void rms_norm_backward(const float* g, const float* x, const float* weight, const float* inverse, std::int64_t rows,
                       std::int64_t width, float* grad_x, float* grad_weight);

/// y = gate·σ(gate)·up. The exponential is accurate to 2 units in the last place. @param gate, up, y  [count]
void swiglu(const float* gate, const float* up, std::int64_t count, float* y);

/// d gate = g·up·σ·(1 + gate·(1 − σ)), d up = g·gate·σ.
void swiglu_backward(const float* gate, const float* up, const float* g, std::int64_t count, float* grad_gate,
                     float* grad_up);

}  // namespace lethe
