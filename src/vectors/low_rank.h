// The strongest singular directions of a task vector's matrices: what training moved most.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <utility>

namespace lethe {

/// The best approximation of rank `rank` to a matrix (Eckart–Young): U_r·diag(s_r)·V_rᵀ of its singular values.
/// @param matrix  [out, in], any floating type; returned unchanged if not of two axes, or if an axis is at most `rank`
/// @return        [out, in] float32
at::Tensor low_rank(const at::Tensor& matrix, std::int64_t rank);

/// The same for a product B·A without forming it: B' so that B'·A is the best approximation of rank `rank` to B·A.
/// @param b  [out, R]; @param a [R, in]
/// @return   [out, R] float32; B itself if the product's rank can be at most `rank`
at::Tensor low_rank_of_product(const at::Tensor& b, const at::Tensor& a, std::int64_t rank);

/// The same as a product of rank `rank`, below R. Both factors have the same singular values, √s.
/// @param b  [out, R]; @param a [R, in]; R may be larger than out and in
/// @return   B' [out, rank] and A' [rank, in], float32, computed in float64
std::pair<at::Tensor, at::Tensor> low_rank_factors(const at::Tensor& b, const at::Tensor& a, std::int64_t rank);

}  // namespace lethe
