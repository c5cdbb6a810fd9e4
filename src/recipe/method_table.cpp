#include "recipe/method_table.h"

#include "core/error.h"

namespace lethe {

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {
      {.id = MethodId::sku,
       .name = "sku",
       .description =
           "Teaches a copy of the model the harm, but not the normal knowledge, and subtracts what it learned.",
       .source = "Liu et al. 2024",
       .title = "stage 1: learning the harm",
       .draws = Draws::harmful},
      {.id = MethodId::task_vector,
       .name = "task_vector",
       .description = "Teaches a copy of the model the harmful answers, and subtracts what it learned.",
       .source = "Ilharco et al. 2023",
       .title = "learning the harm",
       .normal_rows = false,
       .reference = false},
      {.id = MethodId::ga,
       .name = "ga",
       .description = "Makes harmful answers less likely, and holds the model near the original on normal answers.",
       .source = "Yao et al. 2023",
       .title = "gradient ascent",
       .stage2 = Stage2::keep},
      {.id = MethodId::ga_mismatch,
       .name = "ga_mismatch",
       .description = "Gradient ascent that also teaches normal answers to harmful prompts.",
       .source = "Yao et al. 2023",
       .title = "gradient ascent with mismatch",
       .stage2 = Stage2::keep,
       .draws = Draws::normal},
      {.id = MethodId::finetune,
       .name = "finetune",
       .description = "Trains on normal answers alone: the baseline without harmful data.",
       .source = "Liu et al. 2024",
       .title = "learning normal answers",
       .stage2 = Stage2::keep,
       .harmful_rows = false,
       .reference = false},
  };
  return all;
}

const Method& method_named(const std::string& name) {
  std::string known;
  for (const Method& method : methods()) {
    if (method.name == name) return method;
    known += (known.empty() ? "" : ", ") + method.name;
  }
  throw bad_usage("cannot use this recipe").with("key", "method").wanted(known).found(excerpt(name));
}

}  // namespace lethe
