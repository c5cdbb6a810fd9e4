// The compute dtype, as recipes, options and judges name it.
#pragma once

#include "core/enum_words.h"
#include "core/error.h"

namespace lethe {

/// `automatic`: float32 on a CPU, bfloat16 on a GPU.
enum class ComputeType { automatic, float32, bfloat16, float16 };

template <>
struct EnumWords<ComputeType> {
  static constexpr std::pair<std::string_view, ComputeType> all[] = {{"auto", ComputeType::automatic},
                                                                     {"float32", ComputeType::float32},
                                                                     {"bfloat16", ComputeType::bfloat16},
                                                                     {"float16", ComputeType::float16}};
};

/// @throws Error (usage) for another word
inline ComputeType compute_type_named(const std::string& word) {
  if (const auto type = from_word<ComputeType>(word)) return *type;
  throw bad_usage("cannot use --dtype " + excerpt(word)).wanted("auto, float32, bfloat16 or float16");
}

}  // namespace lethe
