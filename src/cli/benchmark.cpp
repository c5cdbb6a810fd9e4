// lethe benchmark: measures a model on TOFU, MUSE, WMDP or MMLU.
#include <CLI/CLI.hpp>
#include <memory>

#include "benchmarks/open_benchmark.h"
#include "benchmarks/write_results.h"
#include "cli/common.h"
#include "cli/number_checks.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/messages.h"
#include "core/staged_folder.h"
#include "formats/checkpoint.h"

namespace lethe {
namespace {

struct BenchmarkOptions {
  BenchmarkRequest request;
  ModelOptions model;
  std::string data, out;
  bool json = false;
};

// The template of the questions; a text of prompt and response alone where the benchmark lays out its own prompts.
std::unique_ptr<Template> layout_of(const BenchmarkOptions& options, const Benchmark& benchmark) {
  const TemplateOptions& layout = options.model.layout;
  std::unique_ptr<Template> opened;
  if (benchmark.uses_template()) {
    opened = open_template(options.model);
  } else if (layout.text != "auto" || !layout.system.empty()) {
    warn("--template and --system have no effect: " + options.request.name + " lays out its own prompts");
  }
  return opened ? std::move(opened) : std::make_unique<Template>(Template::parse("{prompt}{response}"));
}

OrderedJson about_measurement(const BenchmarkOptions& options, const Benchmark& benchmark, const Template& layout) {
  const BenchmarkRequest& request = options.request;
  OrderedJson about = {{"benchmark", request.name}};
  put_bytes(about, "model", options.model.model);
  if (!options.model.adapters.empty()) about["adapters"] = options.model.adapters;
  put_bytes(about, "data", options.data);
  if (!request.split.empty()) about["split"] = request.split;
  if (!request.retain.empty()) put_bytes(about, "retain", request.retain);
  if (!request.reference.empty()) put_bytes(about, "reference", request.reference);
  about["limit"] = request.limit == 0 ? OrderedJson() : OrderedJson(request.limit);
  about["max_new_tokens"] = request.max_new_tokens == 0 ? OrderedJson() : OrderedJson(request.max_new_tokens);
  if (benchmark.uses_template()) put_bytes(about, "template", layout.is_chat() ? "chat" : layout.text());
  for (const auto& [set, count] : benchmark.sizes()) about["questions"][set] = count;
  about["lethe"] = LETHE_VERSION;
  return about;
}

void run_benchmark(const BenchmarkOptions& options) {
  check_template_options(options.model.layout);
  StagedFolder folder(options.out);
  const std::unique_ptr<Benchmark> benchmark = open_benchmark(options.request);
  const std::unique_ptr<Template> layout = layout_of(options, *benchmark);
  LazyTokenizer tokenizer(resolve_model_folder(options.model.model));
  std::vector<double> reference;
  if (!options.request.reference.empty()) {  // first, so that never two models are in memory
    const OpenModel opened = open_model(options.request.reference, {}, options.model.shared);
    LazyTokenizer own(opened.folder);  // the ids of another tokenizer would be other texts
    reference = benchmark->reference_losses(
        {opened.model, own.available() ? own.get() : tokenizer.get(), *layout, opened.stop_ids});
  }
  const OpenModel opened = open_model(options.model);
  const BenchmarkResult result = benchmark->run({opened.model, tokenizer.get(), *layout, opened.stop_ids}, reference);
  const OrderedJson about = about_measurement(options, *benchmark, *layout);
  const std::string name = excerpt(opened.folder.filename().string(), 200);
  write_benchmark(result, about, options.request.name + ": " + name, folder.path());
  folder.commit();
  print_table(options.json ? dump_json(benchmark_json(result, about)) + "\n" : benchmark_text(result));
  if (options.json)
    for (const std::string& note : result.notes) say(note);
  say_wrote(options.out, ": results.json, rows.jsonl, report.html", dump_json(benchmark_json(result, about)));
}

}  // namespace

void add_benchmark(CLI::App& program, Action& action) {
  auto options = std::make_shared<BenchmarkOptions>();
  BenchmarkRequest& request = options->request;
  auto* command = program.add_subcommand("benchmark", "Measure a model on TOFU, MUSE, WMDP or MMLU");
  command->add_option("name", request.name, "tofu, muse, wmdp or mmlu")->required()->type_name("{tofu,muse,wmdp,mmlu}");
  add_model_options(*command, options->model);
  command->add_option("--data", options->data, "Folder of the public files, as they are")->required();
  command->add_option("--split", request.split,
                      "TOFU: the forget set, such as forget01 (default: forget10); MUSE: news (default) or books");
  command->add_option("--retain", request.retain,
                      "results.json of the retain model, or its folder: for forget quality and privacy leakage");
  command->add_option("--reference", request.reference,
                      "A model that never saw the forget set, for the reference attack on membership");
  command->add_option("--limit", request.limit, "Only the first rows of each set; 0: all")
      ->capture_default_str()
      ->check(at_least_zero());
  command
      ->add_option("--max-new-tokens", request.max_new_tokens,
                   "Tokens of an answer, at most; 0: as the benchmark's authors (TOFU 200, MUSE 128 and 32)")
      ->capture_default_str()
      ->check(at_least_zero());
  command->add_option("--out", options->out, "Folder for results.json, rows.jsonl and report.html")->required();
  command->add_flag("--json", options->json, "Print the results as one JSON object");
  command->footer(
      "Example: lethe benchmark tofu --model retain90 --data TOFU --split forget10 --out runs/tofu-retain\n"
      "         lethe benchmark tofu --model runs/npo/model --data TOFU --split forget10 \\\n"
      "                         --retain runs/tofu-retain/results.json --out runs/tofu-npo\n"
      "         lethe benchmark wmdp --model runs/rmu/model --data wmdp --out runs/wmdp-rmu");
  command->callback([options, &action] {
    options->request.data = options->data;
    action = [options] { run_benchmark(*options); };
  });
}

}  // namespace lethe
