#include "runs/stage1.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "data/sampler.h"
#include "runs/forgetting.h"
#include "runs/methods.h"
#include "runs/safe_rows.h"
#include "runs/task_vector.h"

namespace lethe {
namespace {

// The rows of each micro-batch, from data.plan or the sampler, without the kinds that the method does not train on.
std::function<StepRows(std::uint64_t)> rows_of(const Recipe& recipe, const RunData& data, Tuning& tuning) {
  const Method& method = method_named(recipe.method);
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
                                                     sampler_options(recipe));
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

// A training that forgets and retains at once.
std::vector<StepRecord> train_forget_retain(const Recipe& recipe, Tuning& tuning, RunData& data,
                                            const Stage1Files& files, std::string& gentler) {
  const Method& method = method_named(recipe.method);
  auto rows = rows_of(recipe, data, tuning);
  if (data.safe) rows = with_preferred(std::move(rows), *data.safe, data.examples, recipe.seed);
  TrainingSettings training = recipe.training;
  training.steps = planned_steps(recipe, data);
  const Originals originals = take_originals(recipe, tuning, data.examples, rows,
                                             static_cast<std::uint64_t>(training.steps * training.accumulate));
  const std::unique_ptr<Objective> objective = make_forget_retain(recipe, {.model = tuning.model(),
                                                                           .examples = data.examples,
                                                                           .rows = std::move(rows),
                                                                           .reference = originals.reference.get(),
                                                                           .losses = originals.losses.get()});
  gentler = objective->gentler();
  return tuning.train(*objective, training, files.metrics, method.title, files.snapshots);
}

// One training of stage 1 by the recipe's method.
std::vector<StepRecord> train_by(const Recipe& recipe, Tuning& tuning, RunData& data, Reference* reference,
                                 const std::filesystem::path& metrics, Snapshots* snapshots, std::string& gentler,
                                 const std::string& title = "") {
  const Method& method = method_named(recipe.method);
  auto rows = rows_of(recipe, data, tuning);
  if (method.stage2 == Stage2::contrast)
    rows = with_safe_answers(std::move(rows), data.safe.value(), data.examples, recipe.seed);
  const std::unique_ptr<Objective> objective =
      make_objective(recipe, {tuning.model(), data.examples, reference, std::move(rows)});
  gentler = objective->gentler();
  TrainingSettings training = recipe.training;
  training.steps = planned_steps(recipe, data);
  return tuning.train(*objective, training, metrics, method.title + title, snapshots);
}

// Both trainings start at θ_o. What the first learned is set aside while the second runs, then joined to it.
Stage1 train_contrast(Tuning& tuning, const Checkpoint& base, RunData& data, const Stage1Files& files) {
  const Recipe& recipe = tuning.recipe();
  const std::unique_ptr<Reference> reference = take_reference(tuning, data);
  Stage1 result;
  std::unique_ptr<TaskVector> harm;
  std::optional<Snapshots> second;
  if (recipe.safe.ratio != 0) {
    result.steps =
        train_by(harmful_half(recipe), tuning, data, reference.get(), files.metrics, files.snapshots, result.gentler);
    harm = task_vector_of(tuning.model(), base, tuning.pairs(), recipe);
    if (!files.harmful.empty()) harm->write_trained(files.harmful);
    harm->set_aside(recipe.seed);
    if (files.snapshots != nullptr) second = files.snapshots->within("safe");
  } else if (!files.metrics.empty() && !std::filesystem::exists(files.metrics)) {
    write_file(files.metrics, "");  // no step; every run has this file
  }
  result.safe_steps = train_by(safe_half(recipe), tuning, data, reference.get(), files.safe,
                               second ? &*second : files.snapshots, result.gentler);
  if (harm) harm->join(-recipe.safe.ratio);
  return result;
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

std::int64_t planned_second_steps(const Recipe& recipe, const RunData& data) {
  if (method_named(recipe.method).stage2 != Stage2::contrast)
    return steps_of_further_rounds(recipe, planned_steps(recipe, data));
  if (recipe.safe.ratio == 0) return 0;
  return planned_steps(safe_half(recipe), data);
}

Stage1 train_method(Tuning& tuning, const Checkpoint& base, RunData& data, const Stage1Files& files) {
  const Recipe& recipe = tuning.recipe();
  const Method& method = method_named(recipe.method);
  if (method.stage2 == Stage2::contrast) return train_contrast(tuning, base, data, files);
  Stage1 result;
  if (method.forget_retain) {
    result.steps = train_forget_retain(recipe, tuning, data, files, result.gentler);
    return result;
  }
  std::unique_ptr<Reference> reference;
  if (method.reference) reference = take_reference(tuning, data);
  result.steps = train_by(recipe, tuning, data, reference.get(), files.metrics, files.snapshots, result.gentler);
  result.rounds = further_rounds(
      tuning, base, data,
      {.folder = files.rounds, .metrics = files.metrics, .harmful = files.harmful, .snapshots = files.snapshots},
      [&](const std::filesystem::path& metrics, const std::string& title, Snapshots* snapshots) {
        train_by(recipe, tuning, data, reference.get(), metrics, snapshots, result.gentler, title);
      });
  return result;
}

}  // namespace lethe
