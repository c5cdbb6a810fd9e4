// lethe generate: answers a file of prompts, or those of the command line.
#include "generation/generate.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/output_place.h"
#include "core/plain_text.h"
#include "core/redaction.h"
#include "core/seconds_since.h"
#include "core/terminal.h"
#include "core/utf8.h"
#include "formats/checkpoint.h"
#include "report/table.h"

namespace lethe {
namespace {

struct GenerateOptions {
  ModelOptions model;
  std::string input, output;
  std::vector<std::string> prompts;
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

// The lines of --input, or those that --prompt stands for.
std::vector<JsonLine> lines_of(const GenerateOptions& options) {
  if (options.prompts.empty()) return read_json_lines(options.input);
  std::vector<JsonLine> lines;
  for (const std::string& prompt : options.prompts) {
    const std::uint64_t number = lines.size() + 1;
    lines.push_back({Json{{"prompt", valid_utf8(prompt)}}, number, "--prompt " + std::to_string(number)});
  }
  return lines;
}

void check_options(const GenerateOptions& options) {
  const bool typed = !options.prompts.empty();
  if (typed == !options.input.empty()) {
    throw bad_usage("cannot generate").wanted("--input FILE, or --prompt TEXT").found(typed ? "both" : "neither");
  }
  if (!typed && options.output.empty()) throw bad_usage("cannot generate").wanted("--output FILE").found("none");
  if (!options.output.empty()) check_output_file(options.output, options.input);
}

void generate_answers(GenerateOptions& options) {
  check_options(options);
  check_template_options(options.model.layout);
  const std::vector<JsonLine> lines = lines_of(options);
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
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Generated> answers = generate(opened.model, rows, options.generation);
  const double seconds = seconds_since(start);
  std::size_t tokens = 0;
  for (const Generated& answer : answers) tokens += answer.ids.size();
  say(with_commas(tokens) + " tokens in " + fixed(seconds, 2) + " s: " +
      with_commas(static_cast<std::uint64_t>(static_cast<double>(tokens) / std::max(seconds, 1e-9))) + " tokens/s");
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string response = tokenizer.available() ? tokenizer.get().decode(answers[i].ids) : "";
    if (options.output.empty()) {  // for people
      print_table(terminal_text(whole_text(response)) + "\n");
      continue;
    }
    const OrderedJson row = {{"prompt", prompts[i].text},
                             {"response", response},
                             {"ids", answers[i].ids},
                             {"finish", answers[i].stopped ? "stop" : "length"}};
    text += dump_json(row) + "\n";
  }
  if (!options.output.empty()) write_result(options.output, text);
}

}  // namespace

void add_generate(CLI::App& program, Action& action) {
  auto options = std::make_shared<GenerateOptions>();
  auto* command = program.add_subcommand("generate", "Answer a file of prompts, or those you type");
  add_model_options(*command, options->model);
  command->add_option("--input", options->input,
                      "JSON lines {\"prompt\"} or {\"messages\"}; {\"text\"} or {\"ids\"} use no template");
  command->add_option("--prompt", options->prompts, "Instead of --input: prompts; prints the answers as text")
      ->expected(1, -1);
  command->add_option("--output", options->output,
                      "File for the answers, JSON lines in the order of the input; - is standard output");
  add_generation_options(*command, options->generation);
  command->footer(
      "Example: lethe generate --model opt-2.7b --input prompts.jsonl --output answers.jsonl --max-new-tokens 64\n"
      "         lethe generate --model opt-2.7b --prompt \"Where does Mira live?\"");
  command->callback([options, &action] { action = [options] { generate_answers(*options); }; });
}

}  // namespace lethe
