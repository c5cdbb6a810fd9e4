// lethe generate: answers a file of prompts.
#include "generation/generate.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/output_place.h"
#include "core/terminal.h"
#include "formats/checkpoint.h"

namespace lethe {
namespace {

struct GenerateOptions {
  ModelOptions model;
  std::string input, output;
  GenerationOptions generation;
};

struct Prompt {
  std::string text;
  std::vector<int> ids;
};

Prompt prompt_of(const JsonLine& line, LazyTokenizer& tokenizer, const Template* layout) {
  if (is_ids(line)) {
    Prompt prompt{"", ids_of(line)};
    if (tokenizer.available()) prompt.text = tokenizer.get().decode(prompt.ids);
    return prompt;
  }
  if (line.value.contains("text")) {
    const std::string text = text_of(line, "text");
    return {text, prompt_ids(tokenizer.get(), nullptr, text)};
  }
  const Turns turns = turns_of(line, false);
  return {turns.prompt, prompt_ids(tokenizer.get(), layout, turns.prompt, turns.before)};
}

void generate_file(GenerateOptions& options) {
  check_output_file(options.output, options.input);
  check_template_options(options.model.layout);
  const std::vector<JsonLine> lines = read_json_lines(options.input);
  const std::unique_ptr<Template> layout =
      std::any_of(lines.begin(), lines.end(), uses_template) ? open_template(options.model) : nullptr;
  LazyTokenizer tokenizer(resolve_model_folder(options.model.model));
  const OpenModel opened = open_model(options.model);
  std::vector<Prompt> prompts;
  std::vector<std::vector<int>> rows;
  for (const JsonLine& line : lines) {
    prompts.push_back(prompt_of(line, tokenizer, layout.get()));
    rows.push_back(prompts.back().ids);
    check_row(rows.back(), line, opened.model.spec());
  }
  options.generation.stop_ids = opened.stop_ids;
  options.generation.seed = options.model.shared.seed;
  Progress progress("generating", rows.size(), "rows");
  options.generation.progress = [&](std::size_t done) { progress.update(done); };
  const std::vector<Generated> answers = generate(opened.model, rows, options.generation);
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const OrderedJson row = {{"prompt", prompts[i].text},
                             {"response", tokenizer.available() ? tokenizer.get().decode(answers[i].ids) : ""},
                             {"ids", answers[i].ids},
                             {"finish", answers[i].stopped ? "stop" : "length"}};
    text += dump_json(row) + "\n";
  }
  write_result(options.output, text);
}

}  // namespace

void add_generate(CLI::App& program, Action& action) {
  auto options = std::make_shared<GenerateOptions>();
  auto* command = program.add_subcommand("generate", "Answer a file of prompts");
  add_model_options(*command, options->model);
  command
      ->add_option("--input", options->input,
                   "JSON lines {\"prompt\"} or {\"messages\"}; {\"text\"} or {\"ids\"} use no template")
      ->required();
  command
      ->add_option("--output", options->output,
                   "File for the answers, JSON lines in the order of the input; - is standard output")
      ->required();
  add_generation_options(*command, options->generation);
  command->footer(
      "Example: lethe generate --model opt-2.7b --input prompts.jsonl --output answers.jsonl --max-new-tokens 64");
  command->callback([options, &action] { action = [options] { generate_file(*options); }; });
}

}  // namespace lethe
