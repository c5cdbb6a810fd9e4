#include "runs/tuning.h"

#include "core/error.h"
#include "core/interrupt.h"
#include "core/terminal.h"

namespace lethe {

Tuning::Tuning(CausalLM& model, const Recipe& recipe) : model_(model), recipe_(recipe) {
  std::int64_t trained = 0, total = 0;
  for (const Parameter& parameter : model.parameters()) total += parameter.tensor->numel();
  if (recipe.tuning == "lora") {
    pairs_ = add_lora(model, recipe.lora, recipe.seed);
    for (const NamedLora& lora : pairs_) {
      parameters_.push_back(lora.pair->a);
      parameters_.push_back(lora.pair->b);
    }
  } else {
    for (const Parameter& parameter : model.parameters()) {
      parameter.tensor->requires_grad_(true);
      parameters_.push_back(*parameter.tensor);
    }
  }
  for (const at::Tensor& parameter : parameters_) trained += parameter.numel();
  say("training " + with_commas(static_cast<std::uint64_t>(trained)) + " of " +
      with_commas(static_cast<std::uint64_t>(total)) + " weights" +
      (lora() ? " (" + std::to_string(pairs_.size()) + " adapters)" : ""));
}

void Tuning::begin(std::uint64_t micro) {
  if (recipe_.lora.dropout == 0 || !lora()) return;
  dropout_ = std::make_unique<RandomStream>(recipe_.seed, "dropout", micro);
  model_.adapters.randomness = dropout_.get();
}

std::vector<StepRecord> Tuning::train(Objective& objective, std::int64_t steps, const std::filesystem::path& metrics,
                                      const std::string& title) {
  const TrainingSettings& settings = recipe_.training;
  AdamW optimizer(parameters_, {.weight_decay = settings.weight_decay});
  LoopOptions options;
  options.steps = steps;
  options.accumulate = settings.accumulate;
  options.clip = settings.clip;
  options.schedule = {.kind = settings.schedule, .lr = settings.lr, .warmup = settings.warmup, .steps = steps};
  options.title = title;
  options.interrupted = [] { return interrupted(); };
  const std::vector<StepRecord> records = lethe::train(objective, optimizer, options, metrics);
  for (at::Tensor& parameter : parameters_) {
    parameter.mutable_grad() = at::Tensor();
    parameter.requires_grad_(false);
  }
  model_.adapters.dropout = 0;
  model_.adapters.randomness = nullptr;
  return records;
}

}  // namespace lethe
