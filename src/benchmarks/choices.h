// WMDP and MMLU: multiple choice by the likelihood of the letters, as lm-evaluation-harness scores it (0-shot).
#pragma once

#include <memory>

#include "benchmarks/benchmark.h"

namespace lethe {

/// Reads WMDP's files (their names hold bio, chem or cyber) or MMLU's, of a folder and the folders in it, or one file.
/// Where there are test files (test/, x_test.csv, test-00000-of-00001.parquet), only these are read.
/// @throws Error as open_benchmark() (open_benchmark.h)
std::unique_ptr<Benchmark> open_choices(const BenchmarkRequest& request);

}  // namespace lethe
