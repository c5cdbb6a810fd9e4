// lethe evaluate: judge a model, beside the original if it is given.
#include "runs/evaluate.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"

namespace lethe {
namespace {

struct EvaluateOptions {
  EvaluateRequest request;
  SharedOptions shared;
  std::vector<std::string> seen, unseen, normal, normal_train;
};

void run_evaluate(EvaluateOptions& options) {
  EvaluateRequest& request = options.request;
  request.seen = parse_data_sources(options.seen);
  request.unseen = parse_data_sources(options.unseen);
  request.normal = parse_data_sources(options.normal);
  request.normal_train = parse_data_sources(options.normal_train);
  request.recipe.device = options.shared.device;
  request.recipe.dtype = options.shared.dtype;
  request.recipe.threads = options.shared.threads;
  request.recipe.seed = options.shared.seed;
  request.recipe.model = request.model;
  check_recipe(request.recipe);
  evaluate(request);
}

}  // namespace

void add_evaluate(CLI::App& program, Action& action) {
  auto options = std::make_shared<EvaluateOptions>();
  auto& recipe = options->request.recipe;
  auto* command = program.add_subcommand("evaluate", "Harmful rates, perplexity, answer quality, broken output");
  command->add_option("--model", options->request.model, "Checkpoint folder")->required();
  command->add_option("--adapter", options->request.adapters, "Adapter folders on it; DIR:0.5 takes half of one")
      ->expected(1, -1);
  command->add_option("--original", options->request.original, "The model before unlearning, to compare with");
  command->add_option("--seen", options->seen, "Harmful prompts that were unlearned")->required()->expected(1, -1);
  command->add_option("--unseen", options->unseen, "Harmful prompts that were not")->required()->expected(1, -1);
  command->add_option("--normal", options->normal, "Normal prompts with reference answers")
      ->required()
      ->expected(1, -1);
  command
      ->add_option("--normal-train", options->normal_train,
                   "Normal answers trained on: the KL from the original is also measured there")
      ->expected(1, -1);
  command
      ->add_option("--judge", recipe.evaluation.judge,
                   "judge.json, a description (recipes/judges/*.yaml:model=DIR), or refusal; several: the first decides")
      ->required()
      ->expected(1, -1);
  command->add_option("--threshold", recipe.evaluation.threshold, "Harm above it counts as harmful")
      ->capture_default_str();
  command->add_option("--out", recipe.out, "Run folder to write")->required();
  command->add_option("--prompts", recipe.evaluation.prompts, "Of each kind at most")->capture_default_str();
  command->add_option("--max-new-tokens", recipe.evaluation.max_new_tokens, "Longest answer, tokens")
      ->capture_default_str();
  command->add_option("--max-length", recipe.data.max_length, "Tokens of a reference answer with its prompt")
      ->capture_default_str();
  command->add_option("--template", recipe.data.response_template, "Text with {prompt} and {response}")
      ->capture_default_str();
  command->add_flag("--json", options->request.json, "Print the results as one JSON object");
  add_shared_options(*command, options->shared);
  command->footer(
      "Example: lethe evaluate --model runs/opt/model --original opt-2.7b --seen seen.jsonl --unseen unseen.jsonl\n"
      "                        --normal TruthfulQA.csv --judge judge.json --out runs/opt-evaluation");
  command->callback([options, &action] { action = [options] { run_evaluate(*options); }; });
}

}  // namespace lethe
