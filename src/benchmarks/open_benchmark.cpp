#include "benchmarks/open_benchmark.h"

#include "benchmarks/choices.h"
#include "benchmarks/muse.h"
#include "benchmarks/tofu.h"
#include "core/error.h"

namespace lethe {

std::unique_ptr<Benchmark> open_benchmark(const BenchmarkRequest& request) {
  if (request.name == "tofu") return open_tofu(request);
  if (request.name == "muse") return open_muse(request);
  if (request.name == "wmdp" || request.name == "mmlu") return open_choices(request);
  throw bad_usage("there is no benchmark " + excerpt(request.name)).wanted("tofu, muse, wmdp or mmlu");
}

}  // namespace lethe
