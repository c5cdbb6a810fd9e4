// lethe reproduce: compares methods over seeds, as in the paper's table.
#include "experiments/reproduce.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/program.h"
#include "cli/run_options.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "demo/demo.h"

namespace lethe {
namespace {

struct ReproduceOptions {
  RecipeOptions recipe;
  bool quick = false;
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> methods, variants;
  std::vector<double> rates, budgets, alphas = {0.25, 0.5, 0.75};
  std::filesystem::path space;
  std::size_t trials = 0;
};

void run(const ReproduceOptions& options) {
  ReproduceRequest request;
  if (options.quick) {
    const Recipe given = options.recipe.resolve();
    const std::filesystem::path out = given.out.empty() ? "runs/reproduce" : given.out;
    request.demo_inputs = out / "world";
    if (!given.model.empty() || !given.data.harmful.empty() || !given.data.normal.empty())
      throw bad_usage("cannot use --quick").wanted("the demo's model and data").found("a model or data of your own");
    std::vector<std::string> settings = {"training.steps=60", "evaluation.prompts=60"};
    for (const std::string& setting : options.recipe.settings()) settings.push_back(setting);
    settings.push_back("out=" + out.string());
    settings.push_back("threads=" + std::to_string(given.threads));
    request.recipe = demo_settings(request.demo_inputs, settings);
  } else {
    request.recipe = options.recipe.resolve();
  }
  request.rows = chosen_rows(options.methods, options.variants);
  request.seeds = options.seeds.empty() ? std::vector<std::uint64_t>{8888, 1, 2} : options.seeds;
  const double lr = request.recipe.training.lr;
  request.rates = options.rates.empty() ? std::vector<double>{lr / 2, lr} : options.rates;
  request.budgets = options.budgets.empty() ? std::vector<double>{request.recipe.negation.kl_budget} : options.budgets;
  request.alphas = options.alphas;
  request.space = options.space;
  request.trials = options.trials;
  request.with_costs = !options.methods.empty();
  request.dry_run = options.recipe.dry_run();
  const std::filesystem::path folder = request.recipe.out;
  going_on_later([&] { return kept_parts(folder / "cells", "cell"); }, [&] { reproduce(request); });
}

}  // namespace

void add_reproduce(CLI::App& program, Action& action) {
  auto options = std::make_shared<ReproduceOptions>();
  auto* command = program.add_subcommand(
      "reproduce", "Compare methods on the same data, over seeds: the paper's table, or all methods (--methods)");
  options->recipe.add_to_experiment(*command);
  command->add_flag("--quick", options->quick, "Use the small model and the data of `lethe demo`; takes minutes");
  command
      ->add_option("--methods", options->methods,
                   "Methods to compare (default: the paper's eight rows): rows, methods (`lethe methods`), or all; "
                   "contrast adds two rows, with harm and without")
      ->delimiter(',');
  command->add_option("--variant", options->variants,
                      "A further row, SKU with other settings: NAME KEY=VALUE …; may be given several times");
  command->add_option("--seeds", options->seeds, "Seeds of split and training (default: 8888,1,2)")->delimiter(',');
  command
      ->add_option("--rates", options->rates,
                   "Learning rates that every method tries (default: half of training.lr, and training.lr)")
      ->delimiter(',');
  command
      ->add_option("--space", options->space,
                   "Instead of --rates: a YAML file of keys to vary (as lethe tune); each method takes those it reads")
      ->excludes("--rates");
  command->add_option("--trials", options->trials, "With --space: trials of each method; the first has its defaults");
  command
      ->add_option("--budgets", options->budgets,
                   "KL budgets at which methods are compared, in nats a token (default: negation.kl_budget)")
      ->delimiter(',');
  command->add_option("--alphas", options->alphas, "Further alphas of each method's curve")
      ->delimiter(',')
      ->capture_default_str();
  command->footer(
      "Example: lethe reproduce --quick --out runs/table\n"
      "         lethe reproduce --model base --harmful seen.jsonl --normal TruthfulQA.csv --budgets 0.1,0.3 --out "
      "runs/table\n"
      "         lethe reproduce --quick --methods all --out runs/all\n"
      "         lethe reproduce --quick --methods sku --variant \"sku_rank4 negation.rank=4\" --out runs/variants\n"
      "The same command continues an interrupted table.\n" +
      data_file_line());
  command->callback([options, &action] { action = [options] { run(*options); }; });
}

}  // namespace lethe
