#include "tensors/parallel.h"

#include <ATen/Parallel.h>

namespace lethe {

static_assert(_OPENMP > 0);

void in_parallel(std::int64_t count, const std::function<void(std::int64_t)>& action) {
  in_parallel_shares(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) action(i);
  });
}

void in_parallel_shares(std::int64_t count, std::int64_t least,
                        const std::function<void(std::int64_t, std::int64_t)>& action) {
  at::parallel_for(0, count, least, action);
}

}  // namespace lethe
