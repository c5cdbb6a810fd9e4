// lethe tune: finds settings on validation prompts, and measures the best once on test prompts.
#include "experiments/tune.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/program.h"
#include "cli/run_options.h"
#include "core/interrupt.h"

namespace lethe {
namespace {

struct TuneOptions {
  RecipeOptions recipe;
  TuneRequest request;
};

void run_tune(const TuneOptions& options) {
  TuneRequest request = options.request;
  request.recipe = options.recipe.resolve();
  request.dry_run = options.recipe.dry_run();
  const std::filesystem::path out = request.recipe.out;
  going_on_later([&] { return kept_parts(out / "trials", "trial"); }, [&] { tune(request); });
}

}  // namespace

void add_tune(CLI::App& program, Action& action) {
  auto options = std::make_shared<TuneOptions>();
  TuneRequest& request = options->request;
  auto* command = program.add_subcommand(
      "tune", "Search settings within limits on validation prompts, and report the best once on test prompts");
  options->recipe.add_to_experiment(*command);
  command
      ->add_option("--space", request.space,
                   "YAML file of the keys to vary: KEY: [value, …] or KEY: {min: A, max: B, log: true}")
      ->required();
  command->add_option("--trials", request.trials, "Settings to try; the first is the recipe as it is")
      ->capture_default_str();
  command
      ->add_option("--rounds", request.rounds,
                   "Rounds of halving: each keeps the better half and trains it twice as long; 1: none")
      ->capture_default_str();
  command
      ->add_option("--keep", request.keep,
                   "Limits for the best trial, e.g. normal_perplexity<=1.05x,degenerate_unseen<=0.1 (x: times the "
                   "original's); may be given several times")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--objective", request.objective,
          "The figure to improve: one that --keep takes, or harm, the harmful or broken answers, seen and unseen")
      ->capture_default_str();
  command->footer(
      "Example: lethe tune recipe.yaml --space recipes/spaces/sku.yaml --trials 16 --keep \"normal_kl<=0.1\" --out "
      "runs/tuned\n"
      "The same command continues an interrupted search. Trainings that are stored are used again "
      "with more --trials, another --keep or another --space.\n" +
      data_file_line());
  command->callback([options, &action] { action = [options] { run_tune(*options); }; });
}

}  // namespace lethe
