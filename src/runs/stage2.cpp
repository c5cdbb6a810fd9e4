#include "runs/stage2.h"

#include "data/sampler.h"
#include "objectives/repair.h"
#include "recipe/method_table.h"

namespace lethe {
namespace {

void repair(Stage2Vector& stage2, Tuning& tuning, RunData& data, const std::filesystem::path& metrics) {
  const Recipe& recipe = tuning.recipe();
  const RepairSettings& settings = recipe.negation.repair;
  stage2.apply(0);  // the original
  const std::unique_ptr<Reference> reference = tuning.reference(data.examples, data.normal.train);
  stage2.apply(settings.alpha);
  stage2.vector->retake();  // an adapter trains on from its negated form
  SamplerOptions options;
  options.batch = static_cast<std::size_t>(recipe.training.batch);
  options.k = 0;
  options.seed = recipe.seed;
  StepSampler sampler({}, data.normal.train, options);
  RepairObjective objective(tuning.model(), data.examples, *reference, [&](std::uint64_t micro) {
    tuning.begin(micro);
    return sampler.rows(micro);
  });
  TrainingSettings training = recipe.training;
  training.steps = settings.steps;
  training.lr = settings.lr;
  tuning.train(objective, training, metrics, "repair");
  stage2.vector->retake();
  stage2.sign = 1;
}

}  // namespace

Stage2Vector prepare_stage2(Tuning& tuning, const Checkpoint& base, RunData& data, const Stage2Files& files) {
  const Recipe& recipe = tuning.recipe();
  Stage2Vector stage2{task_vector_of(tuning.model(), base, tuning.pairs(), recipe),
                      direction(method_named(recipe.method))};
  if (!files.trained.empty() && stage2.sign < 0) stage2.vector->write_trained(files.trained);
  stage2.vector->shape(recipe.negation);
  if (recipe.negation.repair.steps > 0) repair(stage2, tuning, data, files.repair);
  return stage2;
}

}  // namespace lethe
