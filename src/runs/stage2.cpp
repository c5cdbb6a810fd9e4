#include "runs/stage2.h"

#include <memory>

#include "data/sampler.h"
#include "objectives/repair.h"
#include "runs/methods.h"

namespace lethe {
namespace {

void repair(const Recipe& recipe, CausalLM& model, Stage2Vector& stage2, Tuning& tuning, ExampleMaker& examples,
            const RunData& data, const std::filesystem::path& metrics) {
  const RepairSettings& settings = recipe.negation.repair;
  std::unique_ptr<Reference> reference;
  if (tuning.lora()) {
    reference = std::make_unique<AdapterOffReference>(model, examples);
  } else {
    stage2.apply(0);
    reference = std::make_unique<StoredReference>(model, examples, data.normal.train);
  }
  stage2.apply(settings.alpha);
  stage2.vector.retake();  // an adapter trains on from its negated form
  SamplerOptions options;
  options.batch = static_cast<std::size_t>(recipe.training.batch);
  options.k = 0;
  options.seed = recipe.seed;
  StepSampler sampler({}, data.normal.train, options);
  RepairObjective objective(model, examples, *reference, [&](std::uint64_t micro) {
    tuning.begin(micro);
    return sampler.rows(micro);
  });
  TrainingSettings training = recipe.training;
  training.steps = settings.steps;
  training.lr = settings.lr;
  tuning.train(objective, training, metrics, "repair");
  stage2.vector.retake();
  stage2.sign = 1;
}

}  // namespace

Stage2Vector prepare_stage2(const Recipe& recipe, CausalLM& model, const Checkpoint& base, Tuning& tuning,
                            ExampleMaker& examples, const RunData& data, const std::filesystem::path& trained,
                            const std::filesystem::path& metrics) {
  const Method& method = method_named(recipe.method);
  Stage2Vector stage2{TaskVector(model, base, tuning.pairs()), direction(method)};
  if (!trained.empty()) stage2.vector.write_trained(trained, recipe);
  stage2.vector.shape(recipe.negation);
  if (recipe.negation.repair.steps > 0) repair(recipe, model, stage2, tuning, examples, data, metrics);
  return stage2;
}

}  // namespace lethe
