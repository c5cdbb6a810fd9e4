#include "runs/rank_costs.h"

#include <cmath>

namespace lethe {

RankCosts rank_costs(const RankWork& work) {
  RankCosts costs;
  if (work.ranks == 1) return costs;
  const auto ranks = static_cast<double>(work.ranks);
  const double rounds = std::ceil(static_cast<double>(work.accumulate) / ranks), others = (ranks - 1) / ranks;
  costs.gradients = ((rounds + 1) * work.gradients + rounds * work.of_matrices) * others;
  costs.buffers = 2.5 * work.gradients + (5 / work.layers + 1 / ranks) * work.of_matrices;
  costs.matrices = rounds * work.uses * work.matrices * others;
  costs.share = work.matrices / ranks;
  costs.gathered = (2 + 1 / ranks) * work.matrices / work.layers;
  return costs;
}

}  // namespace lethe
