// MUSE: news articles or books to be forgotten, by verbatim and knowledge memorization and privacy leakage (Shi et al.
// 2024).
#pragma once

#include <memory>

#include "benchmarks/benchmark.h"

namespace lethe {

/// Reads verbmem/, knowmem/ and privleak/ of a corpus: DATA/news, DATA/books, or DATA itself. A part that is missing is
/// noted; at least one must be there.
/// @throws Error as open_benchmark() (open_benchmark.h)
std::unique_ptr<Benchmark> open_muse(const BenchmarkRequest& request);

}  // namespace lethe
