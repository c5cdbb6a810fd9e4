#include "attacks/relearn.h"

#include <c10/core/GradMode.h>

#include <chrono>
#include <utility>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/seconds_since.h"
#include "data/sampler.h"
#include "models/lora.h"
#include "objectives/cross_entropy_training.h"
#include "recipe/settings.h"
#include "report/table.h"
#include "training/loop.h"

namespace lethe {
namespace {

constexpr std::int64_t kRank = 16;

LoraSettings relearn_lora() {
  LoraSettings settings{.rank = kRank, .alpha = kRank};
  settings.targets = {.suffixes = {}, .pattern = "all-linear"};
  return settings;
}

class Relearn : public Attack {
 public:
  // @param rows  at most budget.rows of them are trained on
  Relearn(const AttackInputs& inputs, std::string name, const std::vector<Pair>& rows)
      : inputs_(inputs), name_(std::move(name)), rows_(rows) {
    if (rows_.size() > inputs.budget.rows) rows_.resize(inputs.budget.rows);
    for (const double rate : inputs.budget.lora_rates) trainings_.push_back({TuningKind::lora, rate});
    for (const double rate : inputs.budget.full_rates) trainings_.push_back({TuningKind::full, rate});
  }

  std::vector<std::string> parts() const override {
    std::vector<std::string> names;
    for (const Training& training : trainings_)
      names.push_back((training.tuning == TuningKind::lora ? "LoRA r" + std::to_string(kRank) : "all weights") +
                      ", lr " + short_number(training.rate));
    return names;
  }

  std::vector<AttackOutcome> run(std::size_t part, const AttackedModel& victim) const override {
    const Training& training = trainings_.at(part);
    const std::string title = name_ + ", " + parts().at(part) + ", " + victim.name;
    CausalLM model = training.tuning == TuningKind::lora ? victim.view() : victim.load();
    std::vector<at::Tensor> trained = parameters_of(model, training.tuning);
    AdamW optimizer(trained, {});
    std::vector<AttackOutcome> outcomes;
    std::int64_t done = 0;
    double seconds = 0;
    for (const std::int64_t steps : inputs_.budget.steps) {
      AttackOutcome outcome;
      outcome.settings = {{"tuning", word_of(training.tuning)}, {"lr", training.rate}, {"steps", steps}};
      outcome.rows = rows_.size();
      outcome.steps = steps;
      const auto start = std::chrono::steady_clock::now();
      try {
        train_between(model, optimizer, training.rate, done, steps, title);
      } catch (const Error& error) {
        if (error.code() != ExitCode::failed) throw;  // an interrupt
        outcome.failed = error.doing();
      }
      outcome.seconds = seconds += seconds_since(start);
      done = steps;
      for (at::Tensor& tensor : trained) tensor.requires_grad_(false);
      if (outcome.failed.empty()) {
        outcome.answers = inputs_.meter.answers(model, title);
        outcome.utility = inputs_.meter.utility(model);
      }
      outcomes.push_back(std::move(outcome));
      if (!outcomes.back().failed.empty()) return outcomes;
    }
    if (inputs_.keep) {
      fold_adapters(model);
      inputs_.keep(model, victim, name_ + "-" + std::to_string(part + 1));
    }
    return outcomes;
  }

 private:
  struct Training {
    TuningKind tuning;
    double rate;
  };

  std::vector<at::Tensor> parameters_of(CausalLM& model, TuningKind tuning) const {
    std::vector<at::Tensor> parameters;
    if (tuning == TuningKind::lora) {
      for (const NamedLora& lora : add_lora(model, relearn_lora(), inputs_.seed)) {
        parameters.push_back(lora.pair->a);
        parameters.push_back(lora.pair->b);
      }
    } else {
      for (const Parameter& parameter : model.parameters()) parameters.push_back(*parameter.tensor);
    }
    return parameters;
  }

  // In new tensors: the old ones may be a file's.
  static void fold_adapters(CausalLM& model) {
    for (const NamedLinear& named : model.linears()) {
      if (named.linear->adapters.empty()) continue;
      named.linear->weight = folded_weight(*named.linear);
      named.linear->adapters.clear();
    }
  }

  // Steps `done` to `until` of one training: their rows do not depend on where it was measured.
  void train_between(CausalLM& model, AdamW& optimizer, double rate, std::int64_t done, std::int64_t until,
                     const std::string& title) const {
    for (at::Tensor parameter : optimizer.parameters()) parameter.requires_grad_(true);
    EpochOrder order(rows_.size(), inputs_.seed, name_);
    CrossEntropyObjective objective(model, inputs_.examples, [&](std::uint64_t micro) {
      std::vector<Pair> rows;
      const auto batch = static_cast<std::uint64_t>(inputs_.budget.batch);
      for (std::uint64_t i = 0; i < batch; ++i)
        rows.push_back(rows_[order.at((static_cast<std::uint64_t>(done) + micro) * batch + i)]);
      return rows;
    });
    LoopOptions options;
    options.steps = until - done;
    options.schedule = {.kind = ScheduleKind::constant, .lr = rate};
    options.title = title;
    options.interrupted = [] { return interrupted(); };
    train(objective, optimizer, options, {});
  }

  const AttackInputs& inputs_;
  std::string name_;
  std::vector<Pair> rows_;
  std::vector<Training> trainings_;
};

}  // namespace

std::unique_ptr<Attack> make_relearn(const AttackInputs& inputs) {
  return std::make_unique<Relearn>(inputs, "relearn", inputs.rows.forget);
}

std::unique_ptr<Attack> make_relearn_other(const AttackInputs& inputs) {
  return std::make_unique<Relearn>(inputs, "relearn_other", inputs.rows.normal);
}

}  // namespace lethe
