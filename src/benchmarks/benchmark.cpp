#include "benchmarks/benchmark.h"

#include "core/error.h"

namespace lethe {

std::vector<double> Benchmark::reference_losses(const BenchmarkedModel& /*reference*/) const {
  throw bad_usage("cannot use a reference model").wanted("tofu or muse, which have membership attacks");
}

}  // namespace lethe
