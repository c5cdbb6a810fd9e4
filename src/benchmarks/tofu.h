// TOFU: questions about fictitious authors, of whom some are to be forgotten (Maini et al. 2024).
#pragma once

#include <memory>

#include "benchmarks/benchmark.h"

namespace lethe {

/// Reads SPLIT_perturbed, retain_perturbed, real_authors_perturbed and world_facts_perturbed of the public data, and,
/// if it is there, the holdout of the same size (holdout10 for forget10), for membership attacks.
/// @throws Error as open_benchmark() (open_benchmark.h)
std::unique_ptr<Benchmark> open_tofu(const BenchmarkRequest& request);

}  // namespace lethe
