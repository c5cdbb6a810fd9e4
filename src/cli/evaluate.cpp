// lethe evaluate: evaluates a model, and the original if one is given.
#include "runs/evaluate.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "cli/run_options.h"
#include "core/error.h"

namespace lethe {
namespace {

struct EvaluateOptions {
  EvaluateRequest request;
  TemplateOptions layout;
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
  request.dry_run.json = request.json;
  ServedModel &served = request.served, &original = request.served_original;
  if (served.endpoint.empty() && original.endpoint.empty() && !(served.name + original.name + served.key_env).empty())
    throw bad_usage("cannot use --served-model, --served-original or --key-env").found("no --endpoint");
  if (original.endpoint.empty() && !original.name.empty()) original.endpoint = served.endpoint;
  original.key_env = served.key_env;
  original.parallel = served.parallel;
  check_template_options(options.layout);
  request.recipe.data.response_template = options.layout.text;
  request.recipe.data.system = options.layout.system;
  check_recipe(request.recipe);
  evaluate(request);
}

}  // namespace

void add_evaluate(CLI::App& program, Action& action) {
  auto options = std::make_shared<EvaluateOptions>();
  auto& recipe = options->request.recipe;
  auto* command =
      program.add_subcommand("evaluate", "Evaluate a model: harmful rates, perplexity, answer quality, broken answers");
  command->add_option("--model", options->request.model, "Checkpoint folder, or a name in the Hugging Face cache")
      ->required();
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
  command->add_option("--unseen-other", options->other, "Harmful prompts from another source than --seen and --unseen")
      ->expected(1, -1);
  command->add_option("--xstest", options->xstest, about_key("evaluation.xstest"))->expected(1, -1);
  command->add_option("--safe-prompts", recipe.evaluation.safe_prompts, about_key("evaluation.safe_prompts"))
      ->capture_default_str();
  command->add_option("--choices", options->choices, about_key("evaluation.choices"))->expected(1, -1);
  command->add_option("--text", options->text, about_key("evaluation.text"))->expected(1, -1);
  command->add_option("--window", recipe.evaluation.window, about_key("evaluation.window"))->capture_default_str();
  command->add_option("--stride", recipe.evaluation.stride, about_key("evaluation.stride"))->capture_default_str();
  command->add_option("--jaccard", recipe.evaluation.overlap.jaccard, about_key("evaluation.overlap.jaccard"))
      ->capture_default_str();
  command
      ->add_option("--containment", recipe.evaluation.overlap.containment, about_key("evaluation.overlap.containment"))
      ->capture_default_str();
  command
      ->add_option("--judge", recipe.evaluation.judge,
                   "judge.json, a shipped judge (llama-guard-3:model=DIR), a .yaml file, or refusal; of several, the "
                   "first decides")
      ->required()
      ->expected(1, -1);
  command->add_option("--threshold", recipe.evaluation.threshold, about_key("evaluation.threshold"))
      ->capture_default_str();
  command->add_option("--bleurt", recipe.evaluation.bleurt, about_key("evaluation.bleurt"));
  command->add_option("--embedder", recipe.evaluation.embedder, about_key("evaluation.embedder"));
  command->add_option("--out", recipe.out, about_key("out"))->required();
  command->add_option("--prompts", recipe.evaluation.prompts, about_key("evaluation.prompts"))->capture_default_str();
  command->add_option("--max-new-tokens", recipe.evaluation.max_new_tokens, about_key("evaluation.max_new_tokens"))
      ->capture_default_str();
  command->add_flag_callback(
      "--no-cache", [&recipe] { recipe.evaluation.cache = false; },
      "Compute the original's answers again, and ask a server again, even if the answers are in the cache");
  command->add_option(
      "--endpoint", options->request.served.endpoint,
      "Address, up to /v1, of an OpenAI-compatible server (vLLM) that answers the prompts for the model");
  command->add_option("--served-model", options->request.served.name,
                      "The server's name of the model; default: as --model");
  command->add_option("--original-endpoint", options->request.served_original.endpoint,
                      "Such a server for the original; default: --endpoint if --served-original is given");
  command->add_option("--served-original", options->request.served_original.name,
                      "The server's name of the original; default: as --original");
  command->add_option("--key-env", options->request.served.key_env,
                      "Environment variable that holds the key of these servers");
  command->add_option("--parallel", options->request.served.parallel, "Requests to a server at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--max-length", recipe.data.max_length, about_key("data.max_length"))->capture_default_str();
  add_template_options(*command, options->layout, /*with_none=*/false);
  command->add_flag("--json", options->request.json, "Print the results (or the plan) as one JSON object");
  command->add_flag("--dry-run", options->request.dry_run.on,
                    "Check everything, print the plan and stop; loads no weights and writes nothing");
  add_shared_options(*command, options->shared);
  command->footer(
      "Example: lethe evaluate --model runs/opt/model --original opt-2.7b --seen seen.jsonl --unseen unseen.jsonl\n"
      "                        --unseen-other advbench.csv --normal TruthfulQA.csv --judge judge.json --out "
      "runs/opt-evaluation\n"
      "         lethe evaluate … --endpoint http://127.0.0.1:8000/v1 --served-model unlearned --served-original opt\n"
      "Prompts that are also in --seen or --normal-train, word for word or nearly, are left out of the other sets "
      "(overlap.jsonl lists them).\n"
      "Data files: " +
      std::string(kDataFileHelp));
  command->callback([options, &action] { action = [options] { run_evaluate(*options); }; });
}

}  // namespace lethe
