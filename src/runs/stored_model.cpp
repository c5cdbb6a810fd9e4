#include "runs/stored_model.h"

#include "architectures/families.h"

namespace lethe {

StoredModel::StoredModel(const std::string& name)
    : checkpoint(resolve_model_folder(name)),
      tokenizer(Tokenizer::load(checkpoint.folder())),
      spec(decoder_spec(checkpoint.config(), (checkpoint.folder() / "config.json").string())) {}

ExampleMaker StoredModel::examples(const Recipe& recipe) const {
  Template layout = recipe_template(recipe, checkpoint.folder());
  const ExampleOptions options = example_options(recipe, layout, spec.max_positions);
  return {tokenizer, std::move(layout), options};
}

LoadOptions load_for_training(const Recipe& recipe, const Compute& compute, ServingGroup* shards) {
  return {.device = compute.device,
          .dtype = compute.dtype,
          .nf4 = recipe.quantize == Quantize::nf4,
          .mapped = recipe.tuning == TuningKind::lora,
          .shards = shards};
}

}  // namespace lethe
