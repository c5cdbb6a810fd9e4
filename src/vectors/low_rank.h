// The strongest singular directions of a task vector's matrices: what training moved most.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace lethe {

/// The best approximation of rank `rank` to a matrix (Eckart–Young): U_r·diag(s_r)·V_rᵀ of its singular values.
/// @param matrix  [out, in], any floating type; returned unchanged if not of two axes, or if an axis is at most `rank`
/// @return        [out, in] float32
at::Tensor low_rank(const at::Tensor& matrix, std::int64_t rank);

/// The same for a product B·A without forming it: B' so that B'·A is the best approximation of rank `rank` to B·A.
/// @param b  [out, R]; @param a [R, in], R at most out and in
/// @return   [out, R] float32
at::Tensor low_rank_of_product(const at::Tensor& b, const at::Tensor& a, std::int64_t rank);

}  // namespace lethe
