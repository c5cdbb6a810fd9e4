#include "runs/tuning.h"

#include <c10/core/GradMode.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/regex.h"
#include "core/terminal.h"
#include "models/sharded_layers.h"
#include "runs/inner_layers.h"
#include "tensors/tensor_memory.h"
#include "training/event_file.h"

namespace lethe {

Tuning::Tuning(CausalLM& model, const Recipe& recipe) : model_(model), recipe_(recipe) {
  model.recompute = recipe.training.recompute;
  std::int64_t trained = 0, total = 0;
  for (const Parameter& parameter : model.parameters()) total += parameter.size();
  if (recipe.tuning == TuningKind::lora) {
    pairs_ = add_lora(model, recipe.lora, recipe.seed);
    take_adapters();
  } else {
    const std::string pattern = trained_weights(recipe, model.spec());
    const std::optional<Regex> chosen = pattern.empty() ? std::nullopt : std::optional<Regex>(pattern);
    for (const Parameter& parameter : model.parameters()) {
      if (chosen && !chosen->found_in(parameter.name)) continue;
      if (model.layer_weights) sharded_.push_back(parameter);
      trained += parameter.size();
      if (model.layer_weights && ShardedLayers::holds(parameter)) continue;
      parameter.tensor->requires_grad_(true);
      parameters_.push_back(*parameter.tensor);
    }
    if (trained == 0) {
      throw bad_usage("cannot use this recipe")
          .with("key", "training.weights")
          .wanted("a pattern found in some weight's name, as " + model.parameters().back().name)
          .found(excerpt(recipe.training.weights));
    }
  }
  if (lora()) {
    for (const at::Tensor& parameter : parameters_) trained += parameter.numel();
  }
  say("training " + with_commas(static_cast<std::uint64_t>(trained)) + " of " +
      with_commas(static_cast<std::uint64_t>(total)) + " weights" +
      (lora() ? " (" + std::to_string(pairs_.size()) + " adapters)" : ""));
}

void Tuning::take_adapters() {
  parameters_.clear();
  for (const NamedLora& lora : pairs_) {
    parameters_.push_back(lora.pair->a);
    parameters_.push_back(lora.pair->b);
  }
}

std::unique_ptr<Reference> Tuning::reference(ExampleMaker& examples, std::span<const Pair> pairs) {
  if (lora()) return std::make_unique<AdapterOffReference>(model_, examples);
  return std::make_unique<StoredReference>(model_, examples, pairs);
}

void Tuning::begin(std::uint64_t micro) {
  if (recipe_.lora.dropout == 0 || !lora()) return;
  dropout_ = std::make_unique<RandomStream>(recipe_.seed, "dropout", micro);
  model_.adapters.randomness = dropout_.get();
}

PeriodicEvaluation Tuning::next_evaluation() {
  PeriodicEvaluation evaluation = std::exchange(evaluation_, {});
  if (evaluation.every == 0) return evaluation;
  evaluation.measure = [this, inner = evaluation.measure] {
    const c10::NoGradGuard no_gradient;
    const double dropout = std::exchange(model_.adapters.dropout, 0);
    std::map<std::string, double> values = inner();  // an error ends the training
    model_.adapters.dropout = dropout;
    release_tensor_memory();
    return values;
  };
  return evaluation;
}

std::vector<StepRecord> Tuning::train(Objective& objective, std::int64_t steps, const std::filesystem::path& metrics,
                                      const std::string& title, Snapshots* snapshots) {
  TrainingSettings settings = recipe_.training;
  settings.steps = steps;
  return train(objective, settings, metrics, title, snapshots);
}

std::vector<StepRecord> Tuning::train(Objective& objective, const TrainingSettings& settings,
                                      const std::filesystem::path& metrics, const std::string& title,
                                      Snapshots* snapshots) {
  if (lora()) take_adapters();  // contrast replaces their tensors between its trainings
  for (at::Tensor& parameter : parameters_) parameter.requires_grad_(true);
  if (lora()) model_.adapters.dropout = recipe_.lora.dropout;
  model_.adapters.dropout_tokens = AdapterMode{}.dropout_tokens;  // an earlier objective's is not this one's
  LoopOptions options;
  AdamWOptions of_optimizer{.weight_decay = settings.weight_decay};
  std::optional<SharedWeights> shared;
  if (!sharded_.empty()) {
    shared.emplace(static_cast<ShardedLayers&>(*model_.layer_weights), sharded_);
    options.weights = &*shared;
    of_optimizer.joint_norm = [&](const at::Tensor& own) { return shared->joint_norm(own); };
  }
  auto optimizer = std::make_optional<AdamW>(shared ? shared->pieces() : parameters_, of_optimizer);
  if (shared) shared->hold_state_of(*optimizer);
  if (snapshots != nullptr) snapshots->hold_state_of(options.weights);
  options.steps = settings.steps;
  options.accumulate = settings.accumulate;
  options.clip = settings.clip;
  options.schedule = {.kind = settings.schedule, .lr = settings.lr, .warmup = settings.warmup, .steps = settings.steps};
  options.title = title;
  options.snapshots = snapshots;
  options.interrupted = [] { return interrupted(); };
  options.on_pace = std::exchange(on_pace_, nullptr);
  options.evaluation = next_evaluation();
  options.group = group_;
  if (recipe_.logging.front() == "tensorboard") options.events = events_folder(metrics);
  const std::vector<StepRecord> records = lethe::train(objective, *optimizer, options, metrics);
  if (snapshots != nullptr) snapshots->hold_state_of(nullptr);
  shared.reset();
  optimizer.reset();
  for (at::Tensor& parameter : parameters_) {
    parameter.mutable_grad() = at::Tensor();
    parameter.requires_grad_(false);
  }
  model_.adapters.dropout = 0;
  model_.adapters.randomness = nullptr;
  release_tensor_memory();  // the optimizer held several models' worth; the negation needs one
  return records;
}

}  // namespace lethe
