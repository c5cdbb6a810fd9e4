// What a training on several ranks costs each of them: the arithmetic of docs/scale.md.
#pragma once

#include <cstdint>

namespace lethe {

/// A training on several ranks. Sizes in bytes.
struct RankWork {
  std::int64_t ranks = 1;
  std::int64_t accumulate = 1;  ///< micro-batches of a step
  double gradients = 0;         ///< of the trained weights that every rank holds
  double of_matrices = 0;       ///< gradients of trained matrices that the ranks share
  double matrices = 0;          ///< of the layers, if the ranks share them (training.shard); 0: every rank holds them
  double layers = 1;
  double uses = 3;  ///< of each layer by a micro-batch: forward, recomputed, and by the original beside it
};

/// Bytes of each rank.
struct RankCosts {
  double gradients = 0;  ///< received in a step: once for each round of micro-batches, and the sums of `gradients`
  double matrices = 0;   ///< received in a step: those of each layer, for each use
  double share = 0;      ///< of the matrices, held between two uses
  double gathered = 0;   ///< the matrices of one layer, and the exchange's copies of them
  double buffers = 0;    ///< of the exchange of gradients, on the host, and the share's sums
};

/// Each of W ranks receives (W − 1)/W of what is gathered. A step has ⌈accumulate / W⌉ rounds.
RankCosts rank_costs(const RankWork& work);

}  // namespace lethe
