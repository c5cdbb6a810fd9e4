#include "runs/rounds.h"

#include <memory>
#include <string>

#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "data/sampler.h"
#include "evaluation/divergence_sample.h"
#include "objectives/cross_entropy_training.h"
#include "report/table.h"
#include "runs/methods.h"
#include "runs/task_vector.h"

namespace lethe {
namespace {

// The α of a model that a further round starts from: without the limit of refusals.
// @param sample  not used if α is given
Round begin_round(const Recipe& recipe, DivergenceSample* sample, CausalLM& model,
                  const std::function<void(double alpha)>& apply) {
  const NegationSettings& settings = recipe.negation;
  if (settings.alpha) return {.alpha = *settings.alpha};
  AlphaMeter meter(*sample, model, apply);
  const AlphaChoice choice =
      choose_alpha([&](double alpha) { return meter.measure(alpha, settings.kl_budget); }, settings.kl_budget);
  if (choice.alpha == 0)
    throw Error("cannot begin the next round of negation: no alpha stays within the budget")
        .wanted("a mean KL of at most " + short_number(settings.kl_budget) + " nats a token")
        .found("more, even at the smallest alpha measured")
        .hint("start anew with a larger negation.kl_budget, or with fewer training.steps");
  Round round{.alpha = choice.alpha};
  for (const AlphaPoint& point : choice.curve) {
    if (point.alpha == choice.alpha) round.kl = point.kl;
  }
  return round;
}

// What the attacker does: a few steps on harmful rows at a constant rate.
void relearn(Round& round, Tuning& tuning, RunData& data, const std::filesystem::path& metrics,
             const std::string& title, Snapshots* snapshots) {
  const Recipe& recipe = tuning.recipe();
  StepSampler sampler(data.harmful.train, {},
                      {.batch = static_cast<std::size_t>(recipe.training.batch), .k = 0, .seed = recipe.seed});
  CrossEntropyObjective objective(tuning.model(), data.examples, [&](std::uint64_t micro) {
    tuning.begin(micro);
    return sampler.rows(micro).harmful;
  });
  TrainingSettings training = recipe.training;
  training.steps = recipe.negation.relearn.steps;
  training.lr = recipe.negation.relearn.lr.value_or(training.lr);
  training.schedule = ScheduleKind::constant;
  training.warmup = 0;
  training.weight_decay = 0;
  const std::vector<StepRecord> records = tuning.train(objective, training, metrics, title, snapshots);
  if (records.empty()) return;
  round.relearn_first = records.front().terms.at("ce");
  round.relearn_last = records.back().terms.at("ce");
}

OrderedJson number_or_nothing(const std::optional<double>& value) {
  return value ? OrderedJson(*value) : OrderedJson();
}

// begin_round(), or what an interrupted run has stored of it: measured again with other threads, α would differ in its
// last digits from the one that the round's snapshots belong to.
// @param stored  empty: nothing is stored
Round stored_round(const std::filesystem::path& stored, const std::function<Round()>& begin) {
  if (!stored.empty() && std::filesystem::exists(stored)) {
    const Json json = read_json(stored);
    Round round{.alpha = json_number(json, "alpha", stored.string())};
    if (!json.at("kl").is_null()) round.kl = json_number(json, "kl", stored.string());
    return round;
  }
  const Round round = begin();
  if (!stored.empty())
    write_file(stored, dump_json(OrderedJson{{"alpha", round.alpha}, {"kl", number_or_nothing(round.kl)}}) + "\n",
               Access::owner_only);
  return round;
}

}  // namespace

std::int64_t steps_of_further_rounds(const Recipe& recipe, std::int64_t steps) {
  return (rounds_of(recipe) - 1) * (steps + recipe.negation.relearn.steps);
}

std::vector<Round> further_rounds(Tuning& tuning, const Checkpoint& base, RunData& data, const RoundFiles& files,
                                  const LearnHarm& learn) {
  const Recipe& recipe = tuning.recipe();
  CausalLM& model = tuning.model();
  std::unique_ptr<DivergenceSample> sample;
  std::vector<Round> rounds;
  for (std::int64_t number = 2; number <= rounds_of(recipe); ++number) {
    const std::unique_ptr<TaskVector> vector = task_vector_of(model, base, tuning.pairs(), recipe);
    if (rounds.empty() && !files.harmful.empty()) vector->write_trained(files.harmful);
    const auto apply = [&](double alpha) { vector->apply(-alpha); };
    if (!recipe.negation.alpha && !sample) {
      apply(0);  // the original
      sample = std::make_unique<DivergenceSample>(model, data.examples, data.normal.validation, recipe.seed);
    }
    const std::string name = "round-" + std::to_string(number);
    const auto snapshots = [&](const std::string& folder) {
      return files.snapshots == nullptr ? std::nullopt : std::optional(files.snapshots->within(folder));
    };
    std::optional<Snapshots> own = snapshots(name);
    Round round = stored_round(own ? own->folder() / "round.json" : "",
                               [&] { return begin_round(recipe, sample.get(), model, apply); });
    say("round " + std::to_string(number) + " of " + std::to_string(rounds_of(recipe)) + ", from alpha " +
        fixed(round.alpha, 3));
    const auto metrics = [&](const std::string& file) {
      return files.folder.empty() ? files.metrics : files.folder / (file + ".jsonl");
    };
    vector->begin_at(-round.alpha);
    if (recipe.negation.relearn.steps > 0) {
      std::optional<Snapshots> first = snapshots(name + "-relearn");
      relearn(round, tuning, data, metrics(name + "-relearn"), "relearning, round " + std::to_string(number),
              first ? &*first : nullptr);
    }
    learn(metrics(name), ", round " + std::to_string(number), own ? &*own : nullptr);
    vector->join(2 * round.alpha);
    rounds.push_back(round);
  }
  return rounds;
}

OrderedJson to_json(const std::vector<Round>& rounds) {
  OrderedJson list = OrderedJson::array();
  for (const Round& round : rounds)
    list.push_back({{"alpha", round.alpha},
                    {"kl", number_or_nothing(round.kl)},
                    {"relearn_first", number_or_nothing(round.relearn_first)},
                    {"relearn_last", number_or_nothing(round.relearn_last)}});
  return list;
}

Section rounds_section(const std::vector<Round>& rounds) {
  Table table{"", {"round", "starts from alpha", "KL there", "loss of harmful answers, first step", "last step"}, {}};
  const auto text = [](const std::optional<double>& value) { return value ? fixed(*value, 3) : std::string("-"); };
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    const Round& round = rounds[i];
    table.rows.push_back({std::to_string(i + 2), fixed(round.alpha, 3), text(round.kl), text(round.relearn_first),
                          text(round.relearn_last)});
  }
  return {"Rounds of negation",
          {"Each further round starts from a copy of the negated model, lets it relearn the harm as an attacker would, "
           "learns the harm again and subtracts that too. The losses are those of relearning."},
          {},
          {table}};
}

}  // namespace lethe
