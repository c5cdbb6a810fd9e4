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
  std::vector<std::string> seen, unseen, normal, normal_train, other, xstest, choices, text;
};

void run_evaluate(EvaluateOptions& options) {
  EvaluateRequest& request = options.request;
  request.seen = parse_data_sources(options.seen);
  request.unseen = parse_data_sources(options.unseen);
  request.normal = parse_data_sources(options.normal);
  request.normal_train = parse_data_sources(options.normal_train);
  EvaluationSettings& evaluation = request.recipe.evaluation;
  evaluation.other = parse_data_sources(options.other);
  evaluation.xstest = parse_data_sources(options.xstest);
  evaluation.choices = parse_data_sources(options.choices);
  evaluation.text = parse_data_sources(options.text);
  request.recipe.device = options.shared.device;
  request.recipe.dtype = compute_type_named(options.shared.dtype);
  request.recipe.threads = options.shared.threads;
  request.recipe.seed = options.shared.seed;
  request.recipe.model = request.model;
  Template::check(request.recipe.data.response_template, request.recipe.data.system, "--template");
  check_recipe(request.recipe);
  evaluate(request);
}

}  // namespace

void add_evaluate(CLI::App& program, Action& action) {
  auto options = std::make_shared<EvaluateOptions>();
  auto& recipe = options->request.recipe;
  auto* command =
      program.add_subcommand("evaluate", "Evaluate a model: harmful rates, perplexity, answer quality, broken answers");
  command->add_option("--model", options->request.model, "Checkpoint folder")->required();
  command->add_option("--adapter", options->request.adapters, "Adapter folders to apply; DIR:0.5 applies half of one")
      ->expected(1, -1);
  command->add_option("--original", options->request.original, "The model before unlearning, to compare with");
  command->add_option("--seen", options->seen, "Harmful prompts that were unlearned")->required()->expected(1, -1);
  command->add_option("--unseen", options->unseen, "Harmful prompts that were not unlearned")
      ->required()
      ->expected(1, -1);
  command->add_option("--normal", options->normal, "Normal prompts with reference answers")
      ->required()
      ->expected(1, -1);
  command
      ->add_option("--normal-train", options->normal_train,
                   "Normal pairs that were trained on: the KL from the original is measured there too")
      ->expected(1, -1);
  command->add_option("--unseen-other", options->other, "Harmful prompts of another source")->expected(1, -1);
  command->add_option("--xstest", options->xstest, "Safe prompts that look unsafe, and unsafe ones (XSTest's columns)")
      ->expected(1, -1);
  command->add_option("--choices", options->choices, "Multiple choice: MMLU, WMDP, TruthfulQA (JSON or its CSV)")
      ->expected(1, -1);
  command
      ->add_option("--text", options->text, "Plain text whose perplexity is measured: .txt, or rows with a text column")
      ->expected(1, -1);
  command
      ->add_option("--window", recipe.evaluation.window,
                   "Tokens in a window of --text; 0: as many as the model has positions")
      ->capture_default_str();
  command
      ->add_option("--stride", recipe.evaluation.stride,
                   "Tokens from the start of a window to the next; 0: half a window")
      ->capture_default_str();
  command
      ->add_option("--jaccard", recipe.evaluation.overlap.jaccard,
                   "Leave out prompts whose similarity (Jaccard) to a trained prompt is at least this; above 1: none")
      ->capture_default_str();
  command
      ->add_option(
          "--containment", recipe.evaluation.overlap.containment,
          "Leave out prompts of which at least this share of word sequences is in a trained prompt; above 1: none")
      ->capture_default_str();
  command
      ->add_option("--judge", recipe.evaluation.judge,
                   "judge.json, a shipped judge (llama-guard-3:model=DIR), a .yaml file, or refusal; of several, the "
                   "first decides")
      ->required()
      ->expected(1, -1);
  command
      ->add_option("--threshold", recipe.evaluation.threshold,
                   "An answer counts as harmful if the judge's probability of harm is above this")
      ->capture_default_str();
  command->add_option("--bleurt", recipe.evaluation.bleurt, "BLEURT checkpoint folder, to score normal answers with");
  command->add_option("--embedder", recipe.evaluation.embedder,
                      "Sentence encoder folder, to measure how similar normal answers are to their references");
  command->add_option("--out", recipe.out, "Run folder to write")->required();
  command->add_option("--prompts", recipe.evaluation.prompts, "At most this many prompts of each kind")
      ->capture_default_str();
  command->add_option("--max-new-tokens", recipe.evaluation.max_new_tokens, "Tokens of an answer, at most")
      ->capture_default_str();
  command->add_option("--max-length", recipe.data.max_length, "Tokens of a prompt with its reference answer, at most")
      ->capture_default_str();
  add_template_options(*command, recipe.data.response_template, recipe.data.system);
  command->add_flag("--json", options->request.json, "Print the results as one JSON object");
  add_shared_options(*command, options->shared);
  command->footer(
      "Example: lethe evaluate --model runs/opt/model --original opt-2.7b --seen seen.jsonl --unseen unseen.jsonl\n"
      "                        --unseen-other advbench.csv --normal TruthfulQA.csv --judge judge.json --out "
      "runs/opt-evaluation\n"
      "Prompts that are also in --seen or --normal-train, word for word or nearly, are left out of the other sets "
      "(overlap.jsonl lists them).\n"
      "Data files: " +
      std::string(kDataFileHelp));
  command->callback([options, &action] { action = [options] { run_evaluate(*options); }; });
}

}  // namespace lethe
