// lethe serve: OpenAI's API over models in memory, and the page that shows original and unlearned side by side.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "cli/common.h"
#include "cli/number_checks.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/terminal.h"
#include "formats/checkpoint.h"
#include "server/http_server.h"
#include "server/page.h"
#include "server/server.h"
#include "tensors/file_tensors.h"
#include "web/server_key.h"

namespace lethe {
namespace {

struct ServeOptions {
  std::vector<std::string> models;
  std::string original, key_env;
  bool api_only = false;
  HttpServerOptions http;
  LiveModelOptions model;
  TemplateOptions layout;
  SharedOptions shared;
};

std::string key_of(const std::string& variable) {
  if (variable.empty()) return "";
  std::string key = key_in_variable(variable);
  if (key.empty()) {
    throw bad_usage("cannot use --key-env")
        .wanted("the name of an environment variable that holds a key")
        .found(unset_variable(variable))
        .hint("export SERVER_KEY=…, then --key-env SERVER_KEY");
  }
  return key;
}

// The models of the command line, and the original if it is named or the page needs it.
std::vector<ModelSource> sources_of(const ServeOptions& options) {
  std::vector<ModelSource> sources;
  for (const std::string& model : options.models) sources.push_back(find_model(model));
  if (!options.original.empty() && options.original != "none") {
    sources.push_back(find_original(options.original));
  } else if (options.original.empty() && !options.api_only) {
    add_original_of_run(sources);
  }
  check_names(sources);
  return sources;
}

// Whether the weights of a checkpoint are used where they lie in the file, once for all models on it.
bool is_mapped(const std::filesystem::path& folder, const LiveModelOptions& options) {
  if (!options.compute.device.is_cpu()) return false;
  const Checkpoint checkpoint(folder);
  return std::any_of(checkpoint.tensors().begin(), checkpoint.tensors().end(), [&](const StoredTensor* tensor) {
    return is_floating(tensor->type) && scalar_type(tensor->type) == options.compute.dtype;
  });
}

void introduce(const ModelSource& source, const std::vector<std::unique_ptr<LiveModel>>& before,
               const LiveModelOptions& options) {
  std::string line = "loading " + source.name + ": " + source.checkpoint;
  for (const std::string& adapter : source.adapters) line += " with the adapter " + adapter;
  const std::filesystem::path folder = resolve_model_folder(source.checkpoint);
  for (const auto& other : before) {
    if (!std::filesystem::equivalent(other->folder(), folder)) continue;
    line += is_mapped(folder, options) ? "; it shares the unchanged weights of " + other->name()
                                       : "; its base is in memory twice, for " + other->name() + " as well";
    break;
  }
  say(line);
  if (!source.danger.empty()) warn(source.name + ": " + source.danger);
}

LiveModels load_all(const std::vector<ModelSource>& sources, const LiveModelOptions& options) {
  std::vector<std::unique_ptr<LiveModel>> models;
  for (const ModelSource& source : sources) {
    // The page puts new tensors into the run's model: the mapped ones are never written to.
    const LiveModelOptions own = source.original ? as_for_run(options, sources) : options;
    introduce(source, models, own);
    models.push_back(std::make_unique<LiveModel>(source, own));
    stop_if_interrupted();
  }
  return LiveModels(std::move(models));
}

/// Serves while it exists. However it ends, no reply is still being made when models and page go.
class Serving {
 public:
  Serving(const LiveModels& models, HttpServer& server) : models_(models), server_(server) { server_.start(); }
  ~Serving() {
    for (const auto& model : models_.all()) model->stop();  // replies end now
    server_.stop();
  }
  Serving(const Serving&) = delete;

 private:
  const LiveModels& models_;
  HttpServer& server_;
};

void serve(ServeOptions& options) {
  check_template_options(options.layout);
  options.http.key = key_of(options.key_env);
  const std::vector<ModelSource> sources = sources_of(options);
  Routes routes;
  HttpServer server(routes, options.http);  // a port that is taken is found before models are loaded
  options.model.layout = options.layout.text;
  options.model.system = options.layout.system;
  options.model.compute =
      choose_compute(options.shared.device, compute_type_named(options.shared.dtype), options.shared.threads);
  const LiveModels models = load_all(sources, options.model);
  std::optional<ComparePage> page;
  if (!options.api_only) page.emplace(models, options.model.compute);
  add_api(routes, models, options.shared.seed);
  if (page) page->add_routes(routes);
  const Serving serving(models, server);
  say((page ? "page " + server.address() + "/, " : "") + "OpenAI's API " + server.address() + "/v1; Ctrl-C ends");
  print_table(server.address() + "\n");
  while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  throw interrupted_error("stopped");
}

// A signal of whoever manages the server ends it well, also while it loads.
void serve_until_stopped(ServeOptions& options) {
  try {
    serve(options);
  } catch (const Error& error) {
    if (error.code() != ExitCode::interrupted || interrupted_by_keyboard()) throw;
    say("stopped");
  }
}

}  // namespace

void add_serve(CLI::App& program, Action& action) {
  auto options = std::make_shared<ServeOptions>();
  auto* command = program.add_subcommand("serve", "Serve models to OpenAI's clients, and a page that compares them");
  command
      ->add_option("model", options->models,
                   "Run, checkpoint or adapter folder, or a name in the Hugging Face cache; NAME=MODEL names it")
      ->required();
  command->add_option(
      "--original", options->original,
      "The original of these models, served as \"original\" (default: that of the first run); none: no original");
  command->add_flag("--api-only", options->api_only, "Serve no page, and no original of a run");
  command->add_option("--host", options->http.host, "Address to listen on; any but this machine's own needs --key-env")
      ->capture_default_str();
  command->add_option("--port", options->http.port, "Port; 0: any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->add_option("--key-env", options->key_env, "Environment variable that holds the key which clients must send")
      ->check([](const std::string& name) { return name.empty() ? "the name of a variable is missing" : ""; });
  command->add_option("--batch", options->model.batch, "Answers of a model decoded at the same time")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--queue", options->model.waiting, "Answers of a model that may wait; more are refused (429)")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--longest-wait", options->model.longest_wait, "Seconds that an answer may wait (503)")
      ->check(above_zero())
      ->capture_default_str();
  command->add_option("--longest-answer", options->model.longest_answer, "Seconds of decoding an answer, at most")
      ->check(above_zero())
      ->capture_default_str();
  command
      ->add_option("--longest-prompt", options->model.longest_prompt,
                   "Tokens of a prompt, at most; 0: the model's positions")
      ->check(at_least_zero())
      ->capture_default_str();
  command
      ->add_option("--max-new-tokens", options->model.default_tokens,
                   "Tokens of an answer, at most, in a chat that names no number")
      ->check(above_zero())
      ->capture_default_str();
  command
      ->add_option("--longest-answer-tokens", options->model.most_answer_tokens,
                   "Tokens of any answer, at most; a request that names more gets this many")
      ->check(above_zero())
      ->capture_default_str();
  add_template_options(*command, options->layout, /*with_none=*/false);
  add_shared_options(*command, options->shared);
  command->footer(
      "Example: lethe serve runs/opt\n"
      "         curl http://127.0.0.1:8000/v1/completions -H 'Content-Type: application/json' \\\n"
      "              -d '{\"model\": \"opt\", \"prompt\": \"Where does Mira live?\", \"max_tokens\": 20}'\n"
      "Prompts and answers are never logged. Ctrl-C (status 130) and SIGTERM (status 0) end running answers and "
      "the server.");
  command->callback([options, &action] { action = [options] { serve_until_stopped(*options); }; });
}

}  // namespace lethe
