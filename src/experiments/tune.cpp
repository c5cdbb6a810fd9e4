#include "experiments/tune.h"

#include <algorithm>
#include <memory>

#include "core/error.h"
#include "core/files.h"
#include "core/join.h"
#include "core/terminal.h"
#include "experiments/experiment_setup.h"
#include "experiments/halving.h"
#include "experiments/search_time.h"
#include "experiments/trial_space.h"
#include "experiments/tune_report.h"
#include "models/loading.h"
#include "runs/input_check.h"
#include "runs/plan_file.h"
#include "runs/run_plan.h"
#include "runs/template_choice.h"
#include "tensors/device.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostTrials = 1000;

// What a search needs, checked before any work.
struct Search {
  Recipe recipe;
  TrialSpace space;
  std::string keep;
  Choice choice;
  std::vector<Variant> trials;
  std::vector<Rung> rungs;
};

Search checked_search(const TuneRequest& request) {
  require_keys(request.recipe, {"model", "data.harmful", "data.normal", "out"});
  if (request.trials < 2 || request.trials > kMostTrials)
    throw bad_usage("cannot use --trials " + std::to_string(request.trials)).wanted("2 to 1,000");
  if (request.rounds < 1) throw bad_usage("cannot use --rounds 0").wanted("at least 1");
  Search search{
      request.recipe, {}, join(request.keep, ","), Choice(request.objective, join(request.keep, ",")), {}, {}};
  if (!asks_judge(search.recipe)) {
    throw bad_usage("cannot choose settings")
        .wanted("prompts and a judge")
        .found("evaluation.prompts=" + std::to_string(search.recipe.evaluation.prompts) +
               ", evaluation.judge=" + excerpt(join(search.recipe.evaluation.judge, ", ")))
        .hint("lethe judge list");
  }
  if (attacks_result(search.recipe)) warn("tune does not attack its trials: evaluation.attacks changes nothing here");
  search.space = load_space(request.space, search.recipe);
  check_effects(search.space, {search.recipe});
  search.trials = draw_trials(search.space, search.recipe, request.trials, search.recipe.seed);
  for (const Variant& trial : search.trials) check_trains_to_the_end(trial.recipe);
  search.rungs = rungs_of(search.trials.size(), request.rounds);
  return search;
}

// Settings are chosen on one part of the split, and reported on the other.
void check_parts(const RunData& data) {
  for (const HeldOut part : {HeldOut::validation, HeldOut::test})
    check_held_out(data, part, "cannot choose settings on validation prompts and report test prompts");
}

// The settings that all cells share.
std::string shared_settings(const Recipe& recipe) {
  const OrderedJson json = {{"lethe", LETHE_VERSION}, {"command", "tune"}, {"recipe", to_yaml(without_place(recipe))}};
  return dump_json(json, 1) + "\n";
}

// The trial's recipe in a round.
Recipe recipe_in(const Variant& variant, const Rung& rung) {
  Recipe recipe = variant.recipe;
  recipe.training.steps = steps_at(rung, recipe.training.steps);
  return recipe;
}

std::string label_in(const Variant& variant, const Rung& rung) {
  const std::string label = variant.label();
  return "steps=" + std::to_string(recipe_in(variant, rung).training.steps) + (label.empty() ? "" : " ") + label;
}

// ", about 3:10": how long the whole search takes, by the trainings that are stored; empty without one.
std::string search_time_text(const Search& search) {
  const fs::path folder = fs::path(search.recipe.out) / "trials";
  SearchTime time;
  if (fs::exists(folder)) {
    for (const auto& file : fs::directory_iterator(folder)) {
      if (file.path().extension() == ".json") time.add(read_cell(file.path()));
    }
  }
  if (!time.known()) return "";
  const auto of = [&](const Rung& rung) {
    return time.of(static_cast<double>(steps_at(rung, search.recipe.training.steps)));
  };
  double seconds = 2 * of({});
  for (const Rung& rung : search.rungs) seconds += static_cast<double>(rung.trials) * of(rung);
  return ", about " + duration_text(seconds);
}

RunPlan tuning_plan(const Search& search, RunPlan plan) {
  plan.command = "tune";
  std::erase_if(plan.lines, [](const auto& line) {
    return line.first == "method" || line.first == "alpha" || line.first == "output" || line.first == "time";
  });
  std::size_t trainings = 2;
  double whole = 2;
  std::string rounds;
  for (const Rung& rung : search.rungs) {
    trainings += rung.trials;
    whole += rung.share * static_cast<double>(rung.trials);
    rounds += (rounds.empty() ? "" : ", then ") + with_commas(rung.trials) + " for " +
              with_commas(static_cast<std::uint64_t>(steps_at(rung, search.recipe.training.steps))) + " steps";
  }
  plan.lines.insert(plan.lines.begin(), {"trials", rounds + "; " + with_commas(trainings) + " trainings, as long as " +
                                                       short_number(whole) + " whole ones" + search_time_text(search)});
  plan.lines.insert(plan.lines.begin() + 1, {"space", excerpt(search.space.text(), 400)});
  plan.lines.emplace_back("choice", search.choice.objective + " on validation prompts" +
                                        (search.keep.empty() ? "" : ", keeping " + excerpt(search.keep, 200)) +
                                        "; the best and the recipe once on test prompts");
  plan.lines.emplace_back("output", excerpt(search.recipe.out, 400) +
                                        ": results only, no models; finished trainings are not computed again");
  plan.facts["command"] = plan.command;
  plan.facts["trials"] = search.trials.size();
  plan.facts["trainings"] = trainings;
  plan.facts["whole_trainings"] = whole;
  return plan;
}

// Trains trials, and keeps each result in a file.
class TuneWork {
 public:
  TuneWork(const Search& search, const Compute& compute)
      : search_(search), out_(search.recipe.out), compute_(compute), original_(search.recipe.model) {
    for (const Rung& rung : search.rungs) left_.push_back(rung.trials);
  }

  // Reads the data and evaluates the original, and so checks both.
  void prepare() { check_judge(setup().judge_withheld(HeldOut::validation)); }
  RunPlan plan() const {
    return tuning_plan(search_,
                       setup_ ? unlearning_plan(search_.recipe, original_, setup_->data(), compute_) : RunPlan{});
  }

  Cell measure(const Trial& trial, std::size_t round) {
    const Rung& rung = search_.rungs.at(round);
    const std::string label = label_in(trial.variant, rung);
    --left_.at(round);
    const fs::path file = out_ / "trials" / (cell_file_name(label) + ".json");
    if (!fs::exists(file)) {
      say("round " + std::to_string(round + 1) + " of " + std::to_string(search_.rungs.size()) + ", trial " +
          std::to_string(trial.number) + " of " + std::to_string(search_.trials.size()) + ": " + label + eta(rung));
    }
    return stored(file, label, recipe_in(trial.variant, rung), HeldOut::validation);
  }

  Cell measure_on_test(const Variant& variant, const std::string& name) {
    const std::string label = label_in(variant, {});
    const fs::path file = out_ / "test" / (cell_file_name(label) + ".json");
    if (!fs::exists(file)) say("test prompts: " + name);
    return stored(file, label, recipe_in(variant, {}), HeldOut::test);
  }

  std::size_t test_cells() const {
    return static_cast<std::size_t>(std::count_if(fs::directory_iterator(out_ / "test"), {}, [](const auto& entry) {
      return entry.path().extension() == ".json";
    }));
  }

 private:
  Cell stored(const fs::path& file, const std::string& label, const Recipe& recipe, HeldOut part) {
    const bool chooses = part == HeldOut::validation;  // a judge that fails on test prompts alone spoils no choice
    if (!fs::exists(file)) {
      if (chooses) check_judge(setup().judge_withheld(part));
      const NegationSettings& negation = recipe.negation;
      const std::vector<double> alphas = negation.alpha ? std::vector<double>{*negation.alpha} : std::vector<double>{},
                                budgets =
                                    negation.alpha ? std::vector<double>{} : std::vector<double>{negation.kl_budget};
      const fs::path metrics = fs::path(file).replace_extension(".metrics.jsonl");
      fs::remove(metrics);  // left by an interrupted training
      write_cell(setup().measure(recipe, label, part, budgets, alphas, metrics), file);
    }
    Cell cell = read_cell(file);
    if (cell.method != label)
      throw bad_input("cannot use " + file.string()).wanted("a cell of " + label).found(excerpt(cell.method, 200));
    if (chooses) check_judge(cell.judge_withheld);
    time_.add(cell);
    return cell;
  }

  void check_judge(const std::string& withheld) const {
    if (withheld.empty() || !search_.choice.needs_judge()) return;
    throw Error("cannot choose settings")
        .found("harm was not judged: " + withheld)
        .hint("another judge (evaluation.judge); or an --objective and --keep without harm");
  }

  ExperimentSetup& setup() {
    if (!setup_) {
      setup_ = std::make_unique<ExperimentSetup>(search_.recipe, original_, compute_);
      check_parts(setup_->data());
    }
    return *setup_;
  }

  // "   ETA 3:10" for the training that begins and those after it; empty before the first one.
  std::string eta(const Rung& now) const {
    if (!time_.known()) return "";
    const auto steps = [&](const Rung& rung) {
      return static_cast<double>(steps_at(rung, search_.recipe.training.steps));
    };
    double seconds = time_.of(steps(now)) + 2 * time_.of(steps({}));
    for (std::size_t i = 0; i < left_.size(); ++i)
      seconds += static_cast<double>(left_[i]) * time_.of(steps(search_.rungs[i]));
    return "   ETA " + duration_text(seconds);
  }

  const Search& search_;
  fs::path out_;
  Compute compute_;
  StoredModel original_;
  std::unique_ptr<ExperimentSetup> setup_;
  std::vector<std::size_t> left_;  // trainings of each round that have not begun
  SearchTime time_;
};

// Of the last round.
bool every_one_failed(const SearchResult& found) {
  return std::all_of(found.trials.begin(), found.trials.end(), [&](const Trial& trial) {
    return trial.cells.size() < found.rungs.size() || !trial.cells.back().failed.empty();
  });
}

void write_best(const Search& search, const SearchResult& found) {
  const fs::path file = fs::path(search.recipe.out) / "best.yaml";
  fs::remove(file);  // of an earlier choice
  if (!found.best) return;
  Recipe recipe = found.trials[*found.best].variant.recipe;
  recipe.out.clear();
  write_file(file, to_yaml(recipe));
}

}  // namespace

void tune(const TuneRequest& request) {
  Search search = checked_search(request);
  const fs::path out = search.recipe.out;
  check_paths(models_of(search.recipe), paths_of(search.recipe), search.recipe.out);
  const Checkpoint base(resolve_model_folder(search.recipe.model));
  const TemplateChoice layout = choose_template(search.recipe.data, base.folder());
  search.recipe = with_template(std::move(search.recipe), layout);
  for (Variant& trial : search.trials) {
    trial.recipe.data = search.recipe.data;
    check_paths({}, paths_of(trial.recipe), search.recipe.out);  // safe.answers of a trial
    check_names_of_weights(trial.recipe, base);
  }
  const Compute compute =
      choose_compute(search.recipe.device, search.recipe.dtype, static_cast<int>(search.recipe.threads));
  if (request.dry_run.on) {
    goes_on_in(out, shared_settings(search.recipe), "trials");
    const StoredModel original(search.recipe.model);
    const RunData data = load_run_data(search.recipe, original.examples(search.recipe), nullptr);
    check_parts(data);
    check_further_sets(search.recipe);
    return print_plan(tuning_plan(search, unlearning_plan(search.recipe, original, data, compute)), request.dry_run);
  }
  report_template(layout, nullptr);
  TuneWork work(search, compute);
  if (!goes_on_in(out, shared_settings(search.recipe), "trials")) work.prepare();
  open_experiment(out, shared_settings(search.recipe), "trials", {"trials", "test"});
  say(work.plan().text());
  if (search.trials.size() < request.trials)
    say("the space holds only " + with_commas(search.trials.size()) + " different trials");

  TuneResult result{search.recipe, search.space, search.keep, search.choice, {}, {}, {}, 0};
  result.search = halve(search.trials, search.rungs, search.choice,
                        [&](const Trial& trial, std::size_t round) { return work.measure(trial, round); });
  if (result.search.best) {
    result.test_recipe = work.measure_on_test(search.trials[0], "the recipe as it was");
    const std::size_t best = *result.search.best;
    if (best > 0)
      result.test_best = work.measure_on_test(search.trials[best], "trial " + std::to_string(best + 1) + ", the best");
    result.test_cells = work.test_cells();
  }
  write_tuning(result, out);
  write_best(search, result.search);
  say_wrote(
      (out / "tune.json").string(),
      ", tune.md, report.html" +
          (result.search.best ? "; the settings: lethe unlearn " + (out / "best.yaml").string() + " --out …" : ""));
  if (result.search.best) return;
  const std::string last = std::to_string(search.rungs.back().trials);
  if (every_one_failed(result.search)) {
    throw Error("every training of the last round failed")
        .found(last + " of " + last + "; the table says why")
        .hint("another space, or a smaller training.lr; finished trainings are kept");
  }
  throw Error("no trial of the last round keeps what must be kept")
      .wanted(search.keep)
      .found("none of " + last)
      .hint("more --trials, another space, or a weaker --keep; finished trainings are kept");
}

}  // namespace lethe
