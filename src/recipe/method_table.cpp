#include "recipe/method_table.h"

#include "core/error.h"

namespace lethe {

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {
      {.name = "sku",
       .title = "stage 1: learning the harm",
       .gentler = "fewer training.steps, a smaller training.lr or a smaller sku.pd_margin"},
      {.name = "task_vector", .title = "learning the harm", .normal_rows = false, .reference = false},
      {.name = "ga",
       .title = "gradient ascent",
       .stage2 = Stage2::keep,
       .gentler = "fewer training.steps, a smaller training.lr or a larger ga.eps_kl"},
      {.name = "ga_mismatch",
       .title = "gradient ascent with mismatch",
       .stage2 = Stage2::keep,
       .gentler = "fewer training.steps, a smaller training.lr or a larger ga.eps_kl"},
      {.name = "finetune",
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
