// `lethe vector combine`: adds and subtracts task vectors, also to take an earlier one back.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lethe {

struct CombineRequest {
  std::string base;                                   ///< θ_o, or a checkpoint that combine_vectors() made of it
  std::vector<std::pair<std::string, double>> terms;  ///< a vector's folder and its weight; −1 subtracts it
  double scale = 1;                                   ///< of all weights
  bool merge = false;                                 ///< write a checkpoint, although all vectors are adapters
  std::int64_t rank = 0;                              ///< of the resulting adapter; 0: the sum of the ranks, exactly
  std::string out;
};

/// Writes base + scale · Σ weight · vector: a checkpoint, or an adapter if all vectors are adapters. An adapter is a
/// vector itself (vector.json). A checkpoint has a vectors.json, so that further vectors of θ_o can be added to it. The
/// weights of a vector that is given several times are added first. If the result holds harm, its files are readable by
/// their owner alone, and a warning says so.
/// @throws Error (bad input) if a vector belongs to another base or is damaged, or as combine_to_checkpoint() and
///         stack_adapters() do
void combine_vectors(const CombineRequest& request);

}  // namespace lethe
