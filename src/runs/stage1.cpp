#include "runs/stage1.h"

#include <algorithm>

#include "core/error.h"
#include "data/sampler.h"
#include "runs/methods.h"

namespace lethe {
namespace {

// The rows of each micro-batch, from data.plan or the sampler, without the kinds that the method does not train on.
std::function<StepRows(std::uint64_t)> rows_of(const Method& method, const RunData& data, Tuning& tuning) {
  if (!data.plan.empty()) {
    return [&data, &tuning, &method](std::uint64_t micro) {
      tuning.begin(micro);
      StepRows rows = data.plan.at(micro);
      if (!method.normal_rows) rows.normal.clear();
      if (!method.harmful_rows) rows.harmful.clear();
      if (method.draws == Draws::none) rows.random.clear();
      return rows;
    };
  }
  const auto sampler = std::make_shared<StepSampler>(method.harmful_rows ? data.harmful.train : std::vector<Pair>{},
                                                     method.normal_rows ? data.normal.train : std::vector<Pair>{},
                                                     sampler_options(tuning.recipe()));
  return [sampler, &tuning](std::uint64_t micro) {
    tuning.begin(micro);
    return sampler->rows(micro);
  };
}

// Takes the original's answers on the normal pairs that are trained on.
std::unique_ptr<Reference> take_reference(Tuning& tuning, RunData& data) {
  if (tuning.lora() || data.plan.empty()) return tuning.reference(data.examples, data.normal.train);
  std::vector<Pair> pairs;
  for (const StepRows& rows : data.plan) pairs.insert(pairs.end(), rows.normal.begin(), rows.normal.end());
  return tuning.reference(data.examples, pairs);
}

}  // namespace

std::int64_t planned_steps(const Recipe& recipe, const RunData& data) {
  if (data.plan.empty()) return recipe.training.steps;
  const auto planned = static_cast<std::int64_t>(data.plan.size()) / recipe.training.accumulate;
  if (planned == 0)
    throw bad_input("cannot follow data.plan")
        .wanted("at least training.accumulate lines")
        .found(std::to_string(data.plan.size()));
  return std::min(recipe.training.steps, planned);
}

Stage1 train_method(Tuning& tuning, RunData& data, const std::filesystem::path& metrics, Snapshots* snapshots) {
  const Recipe& recipe = tuning.recipe();
  const Method& method = method_named(recipe.method);
  std::unique_ptr<Reference> reference;
  if (method.reference) reference = take_reference(tuning, data);
  const std::unique_ptr<Objective> objective =
      make_objective(recipe, {tuning.model(), data.examples, reference.get(), rows_of(method, data, tuning)});
  return {tuning.train(*objective, planned_steps(recipe, data), metrics, method.title, snapshots),
          objective->gentler()};
}

}  // namespace lethe
