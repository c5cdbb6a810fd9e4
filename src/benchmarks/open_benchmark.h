// Opens a benchmark by its name.
#pragma once

#include <memory>

#include "benchmarks/benchmark.h"

namespace lethe {

/// Reads the data and the retain model's results, and prints what was found.
/// @throws Error (usage) for an unknown name, or a setting that this benchmark does not have; (bad input) for a file
/// that is missing or unusable
std::unique_ptr<Benchmark> open_benchmark(const BenchmarkRequest& request);

}  // namespace lethe
