// How the losses of response tokens become one number.
#pragma once

#include "core/enum_words.h"

namespace lethe {

/// `mean`: the mean over examples of the mean over their tokens. `sum`: the mean over pairs of the sum over all else.
enum class Reduction { mean, sum };

template <>
struct EnumWords<Reduction> {
  static constexpr std::pair<std::string_view, Reduction> all[] = {{"mean", Reduction::mean}, {"sum", Reduction::sum}};
};

}  // namespace lethe
