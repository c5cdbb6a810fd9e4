#include "attacks/attack_table.h"

#include <algorithm>

#include "attacks/abliteration.h"
#include "attacks/depth.h"
#include "attacks/prompt_attack.h"
#include "attacks/quantize.h"
#include "attacks/relearn.h"
#include "attacks/soft_prompt.h"
#include "attacks/walk.h"
#include "core/error.h"
#include "core/join.h"
#include "core/similar.h"

namespace lethe {

const std::vector<AttackKind>& attack_kinds() {
  static const std::vector<AttackKind> kinds = {
      {"quantize", "rounds the weights to 8 or 4 bits", AttackNeed::nothing, make_quantize},
      {"prompts", "asks in other ways: a begun answer, a role, Base64, shown pairs, another template",
       AttackNeed::nothing, make_prompts},
      {"sampling", "draws many answers at temperature 1 and keeps the worst", AttackNeed::nothing, make_sampling},
      {"task_vector", "adds the difference from the original, and goes on past it", AttackNeed::not_the_original,
       make_task_vector},
      {"relearn", "fine-tunes a few steps on forget rows", AttackNeed::forget_rows, make_relearn},
      {"relearn_other", "fine-tunes a few steps on benign rows", AttackNeed::normal_rows, make_relearn_other},
      {"abliteration", "removes the direction in which harmful prompts differ from benign ones", AttackNeed::both_rows,
       make_abliteration},
      {"soft_prompt", "trains 20 vectors before the prompt on forget rows", AttackNeed::forget_rows, make_soft_prompt},
      {"depth", "looks for the forgotten answers in the states of each layer", AttackNeed::forget_rows, make_depth},
  };
  return kinds;
}

const AttackKind& attack_named(const std::string& name) {
  std::vector<std::string> names;
  for (const AttackKind& kind : attack_kinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
  }
  const std::vector<std::string> near = similar(name, names);
  throw bad_usage("cannot use the attack " + excerpt(name))
      .wanted(near.empty() ? join(names, ", ") : either_of(near))
      .found("an unknown name");
}

}  // namespace lethe
