// Learning rates over the steps of a run.
#pragma once

#include <cstdint>
#include <string>

namespace lethe {

struct Schedule {
  std::string kind = "linear";  ///< constant | linear (to zero after the last step) | cosine
  double lr = 2e-4;
  std::int64_t warmup = 0;      ///< steps, from lr/warmup up to lr
  std::int64_t steps = 1;

  /// Learning rate of a step, counted from 0. Linear and cosine as transformers' schedulers give them: step 0 after the
  /// warm-up runs at lr, and the step that would come after the last at 0.
  double at(std::int64_t step) const;
};

}  // namespace lethe
