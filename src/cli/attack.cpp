// lethe attack: tries to bring back what a model has unlearned.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>

#include "attacks/attack_request.h"
#include "attacks/attack_table.h"
#include "cli/common.h"
#include "cli/number_checks.h"
#include "cli/program.h"
#include "cli/run_options.h"
#include "core/error.h"
#include "core/interrupt.h"

namespace lethe {
namespace {

struct AttackOptions {
  AttackRequest request;
  SharedOptions shared;
  TemplateOptions layout;
  std::vector<std::string> harmful, unseen, normal;
  bool quick = false, list = false;
};

// Fewer prompts and settings, for a first look. Numbers that were given stay.
void make_quick(AttackRequest& request, const CLI::App& command) {
  const auto given = [&](const char* option) { return command.count(option) > 0; };
  if (!given("--prompts-count")) request.prompts = 16;
  if (!given("--rows")) request.budget.rows = 32;
  if (!given("--steps")) request.budget.steps = {16};
  request.budget.lora_rates = {request.budget.lora_rates.back()};
  request.budget.full_rates = {request.budget.full_rates.back()};
  if (!given("--samples")) request.budget.samples = 4;
}

void check_sources(const AttackOptions& options) {
  const AttackRequest& request = options.request;
  const bool files = !request.model.empty() || !options.harmful.empty() || !options.unseen.empty() ||
                     !options.normal.empty() || !request.adapters.empty();
  if (!request.run.empty() && files)
    throw bad_usage("cannot attack").wanted("a run folder, or --model with --original and files").found("both");
  if (!request.run.empty()) return;
  if (request.model.empty() || request.original.empty())
    throw bad_usage("cannot attack").wanted("a run folder, or --model and --original").found("neither");
  if (options.unseen.empty() || options.normal.empty() || request.judge.empty())
    throw bad_usage("cannot attack a model without its run")
        .wanted("--unseen, --normal and --judge")
        .found("not all of them");
}

void run_attack(AttackOptions& options, const CLI::App& command) {
  AttackRequest& request = options.request;
  check_sources(options);
  if (request.out.empty() && !request.dry_run.on)
    throw bad_usage("cannot attack").wanted("--out, the folder to write").found("none").hint("--dry-run needs none");
  if (options.quick) make_quick(request, command);
  if (std::adjacent_find(request.budget.steps.begin(), request.budget.steps.end(), std::greater_equal<>()) !=
      request.budget.steps.end())
    throw bad_usage("cannot use --steps").wanted("different numbers, the smallest first");
  request.harmful = parse_data_sources(options.harmful);
  request.unseen = parse_data_sources(options.unseen);
  request.normal = parse_data_sources(options.normal);
  Recipe& recipe = request.recipe;
  recipe.device = options.shared.device;
  recipe.dtype = compute_type_named(options.shared.dtype);
  recipe.threads = options.shared.threads;
  recipe.seed = options.shared.seed;
  recipe.model = request.original;
  if (request.run.empty()) {
    check_template_options(options.layout);
    recipe.data.response_template = options.layout.text;
    recipe.data.system = options.layout.system;
    recipe.evaluation.judge = request.judge;
    if (request.max_new_tokens > 0) recipe.evaluation.max_new_tokens = request.max_new_tokens;
  } else if (options.layout.text != "auto") {
    request.response_template = options.layout.text;
  }
  check_recipe(recipe);
  request.dry_run.json = request.json;
  going_on_later([&] { return kept_parts(request.out / "parts", "part"); }, [&] { attack(request); });
}

}  // namespace

void add_attack(CLI::App& program, Action& action) {
  auto options = std::make_shared<AttackOptions>();
  AttackRequest& request = options->request;
  AttackBudget& budget = request.budget;
  auto* command = program.add_subcommand("attack", "Try to bring back what a model has unlearned");
  command->add_option("run", request.run, "Run folder of `lethe unlearn`: model, original, data, judge and template");
  command->add_option("--model", request.model, "Without a run: the unlearned model");
  command->add_option("--adapter", request.adapters, "Without a run: adapters on the model")->expected(1, -1);
  command->add_option("--original", request.original, "The model before unlearning (with a run: if it has moved)");
  command->add_option("--retrained", request.retrained,
                      "The control: a model trained without the harm, attacked in the same way");
  command->add_option("--attacks", request.attacks, "Only these (default: all that the data allow)")->delimiter(',');
  command->add_option("--harmful", options->harmful, "Without a run: the pairs that were unlearned")->expected(1, -1);
  command->add_option("--unseen", options->unseen, "Without a run: harmful prompts that were not unlearned")
      ->expected(1, -1);
  command->add_option("--normal", options->normal, "Without a run: normal pairs")->expected(1, -1);
  command->add_option("--judge", request.judge, "Judges, of which the first decides (default: the run's)")
      ->expected(1, -1);
  command->add_option("--prompts", request.tricks, "YAML file of further prompts for the attack `prompts`");
  command->add_option("--prompts-count", request.prompts, "Harmful prompts, and normal ones, that are measured")
      ->capture_default_str()
      ->check(above_zero());
  command->add_option("--rows", budget.rows, "Rows that the attacker trains on")
      ->capture_default_str()
      ->check(above_zero());
  command->add_option("--steps", budget.steps, "Training steps after which relearning is measured, ascending")
      ->delimiter(',')
      ->capture_default_str()
      ->check(above_zero());
  command->add_option("--betas", budget.betas, "Steps of the walk along the task vector; 1 is the original")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--samples", budget.samples, "Answers drawn for each prompt")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_flag("--quick", options->quick, "16 prompts, 32 rows, one training of 16 steps of each kind, 4 samples");
  command->add_option("--max-new-tokens", request.max_new_tokens, "Tokens of an answer (default: as the run; 100)")
      ->check(above_zero());
  command->add_flag("--keep-models", request.keep_models,
                    "Write the attacked models to OUT/models (mode 0700); they are as dangerous as the harm itself");
  command->add_option("--out", request.out, "Folder for attack.json, answers.jsonl, report.html and parts/");
  command->add_flag_callback(
      "--no-cache", [&request] { request.recipe.evaluation.cache = false; },
      "Compute the original's answers again, even if they are in the cache");
  add_template_options(*command, options->layout, /*with_none=*/false);
  command->add_flag("--json", request.json, "Print attack.json (or the plan as JSON) instead of the table");
  command->add_flag("--dry-run", request.dry_run.on,
                    "Check everything, print the plan and stop; loads no weights and writes nothing");
  add_shared_options(*command, options->shared);
  command->footer(
      "Example: lethe attack runs/opt --retrained opt-without-harm --out runs/opt-attacks\n"
      "         lethe attack --model unlearned --original opt-2.7b --harmful forget.jsonl --unseen unseen.jsonl \\\n"
      "                      --normal TruthfulQA.csv --judge llama-guard-3:model=DIR --out attacks\n"
      "Attacks: quantize, prompts, sampling, task_vector, relearn, relearn_other, abliteration, soft_prompt, depth.\n"
      "The same command continues interrupted attacks.\n" +
      data_file_line());
  command->callback([options, command, &action] { action = [options, command] { run_attack(*options, *command); }; });
}

}  // namespace lethe
