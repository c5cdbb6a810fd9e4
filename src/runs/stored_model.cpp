#include "runs/stored_model.h"

#include "architectures/families.h"

namespace lethe {

StoredModel::StoredModel(const std::string& name)
    : checkpoint(resolve_model_folder(name)),
      tokenizer(Tokenizer::load(checkpoint.folder())),
      spec(decoder_spec(checkpoint.config(), (checkpoint.folder() / "config.json").string())) {}

ExampleMaker StoredModel::examples(const Recipe& recipe) const {
  return {tokenizer, recipe_template(recipe, checkpoint.folder()), example_options(recipe, spec.max_positions)};
}

LoadOptions load_for_training(const Recipe& recipe, const Compute& compute) {
  return {.device = compute.device,
          .dtype = compute.dtype,
          .nf4 = recipe.quantize == Quantize::nf4,
          .mapped = recipe.tuning == TuningKind::lora};
}

}  // namespace lethe
