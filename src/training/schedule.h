// Learning rates over the steps of a run.
#pragma once

#include <cstdint>

#include "core/enum_words.h"

namespace lethe {

/// After the warm-up; `linear` and `cosine` end at zero after the last step.
enum class ScheduleKind { constant, linear, cosine };

template <>
struct EnumWords<ScheduleKind> {
  static constexpr std::pair<std::string_view, ScheduleKind> all[] = {
      {"constant", ScheduleKind::constant}, {"linear", ScheduleKind::linear}, {"cosine", ScheduleKind::cosine}};
};

struct Schedule {
  ScheduleKind kind = ScheduleKind::linear;
  double lr = 2e-4;
  std::int64_t warmup = 0;  ///< steps, from lr/warmup up to lr
  std::int64_t steps = 1;

  /// Learning rate of a step, counted from 0. Linear and cosine as in transformers' schedulers: step 0 after the
  /// warm-up runs at lr, and the step that would come after the last at 0.
  double at(std::int64_t step) const;
};

}  // namespace lethe
