#include "vectors/low_rank.h"

#include <algorithm>

namespace lethe {

at::Tensor low_rank(const at::Tensor& matrix, std::int64_t rank) {
  if (matrix.dim() != 2 || rank >= std::min(matrix.size(0), matrix.size(1))) return matrix.to(at::kFloat);
  const auto [u, s, vh] = at::linalg_svd(matrix.to(at::kFloat), /*full_matrices=*/false);
  return at::mm(u.narrow(1, 0, rank) * s.narrow(0, 0, rank), vh.narrow(0, 0, rank));
}

at::Tensor low_rank_of_product(const at::Tensor& b, const at::Tensor& a, std::int64_t rank) {
  const at::Tensor left = b.to(at::kFloat), right = a.to(at::kFloat);
  if (rank >= std::min({left.size(0), left.size(1), right.size(1)})) return left;
  // B = Q·R and A = (Q'·R')ᵀ: the singular vectors of B·A are those of the small R·R'ᵀ, rotated by Q.
  const auto [basis, triangle] = at::linalg_qr(left);
  const at::Tensor other = std::get<1>(at::linalg_qr(right.t()));
  const at::Tensor u = std::get<0>(at::linalg_svd(at::mm(triangle, other.t()), /*full_matrices=*/false));
  const at::Tensor kept = at::mm(basis, u.narrow(1, 0, rank));
  return at::mm(kept, at::mm(kept.t(), left));
}

std::pair<at::Tensor, at::Tensor> low_rank_factors(const at::Tensor& b, const at::Tensor& a, std::int64_t rank) {
  const auto [left, of_b] = at::linalg_qr(b.to(at::kDouble));
  const auto [right, of_a] = at::linalg_qr(a.to(at::kDouble).t());
  const auto [u, s, vh] = at::linalg_svd(at::mm(of_b, of_a.t()), /*full_matrices=*/false);
  const std::int64_t kept = std::min(rank, s.size(0));
  const at::Tensor root = s.narrow(0, 0, kept).sqrt();
  return {at::mm(left, u.narrow(1, 0, kept) * root).to(at::kFloat),
          at::mm(root.unsqueeze(1) * vh.narrow(0, 0, kept), right.t()).to(at::kFloat)};
}

}  // namespace lethe
