// lethe score: teacher-forced log-probabilities of given texts.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/output_place.h"
#include "core/terminal.h"
#include "formats/checkpoint.h"
#include "generation/scoring.h"

namespace lethe {
namespace {

struct ScoreOptions {
  ModelOptions model;
  std::string input, output;
};

Example example_of(const JsonLine& line, LazyTokenizer& tokenizer, const Template* layout) {
  if (is_ids(line)) return {ids_of(line), 1};
  const ExampleOptions whole{.append_eos = false, .max_length = 0};
  if (line.value.contains("text")) return encode_example(tokenizer.get(), nullptr, "", text_of(line, "text"), whole);
  const Turns turns = turns_of(line, true);
  static const Template bare = Template::parse("{prompt}{response}");
  return encode_example(tokenizer.get(), layout != nullptr ? layout : &bare, turns.prompt, turns.response, whole,
                        turns.before);
}

OrderedJson scored(const Example& example, const std::vector<float>& logprobs) {
  OrderedJson row = {{"ids", example.ids}, {"logprobs", logprobs}, {"response_begin", example.response_begin}};
  double nll = 0;
  std::size_t tokens = 0;
  for (std::size_t i = std::max<std::size_t>(example.response_begin, 1); i < example.ids.size(); ++i, ++tokens) {
    nll -= logprobs[i - 1];
  }
  row["nll"] = nll;
  row["tokens"] = tokens;
  return row;
}

void score(const ScoreOptions& options) {
  check_output_file(options.output, options.input);
  check_template_options(options.model.layout);
  const std::vector<JsonLine> lines = read_json_lines(options.input);
  const std::unique_ptr<Template> layout =
      std::any_of(lines.begin(), lines.end(), uses_template) ? open_template(options.model) : nullptr;
  LazyTokenizer tokenizer(resolve_model_folder(options.model.model));
  const OpenModel opened = open_model(options.model);
  std::vector<Example> examples;
  std::vector<std::vector<int>> rows;
  for (const JsonLine& line : lines) {
    examples.push_back(example_of(line, tokenizer, layout.get()));
    rows.push_back(examples.back().ids);
    check_row(rows.back(), line, opened.model.spec());
  }
  Progress progress("scoring", rows.size(), "rows");
  ScoringOptions scoring;
  scoring.progress = [&](std::size_t done) { progress.update(done); };
  const auto scores = score_rows(opened.model, rows, scoring);
  std::string text;
  for (std::size_t i = 0; i < examples.size(); ++i) text += dump_json(scored(examples[i], scores[i])) + "\n";
  write_result(options.output, text);
}

}  // namespace

void add_score(CLI::App& program, Action& action) {
  auto options = std::make_shared<ScoreOptions>();
  auto* command = program.add_subcommand("score", "Score given texts: the log-probability of each token");
  add_model_options(*command, options->model);
  command
      ->add_option("--input", options->input,
                   "JSON lines {\"text\"}, {\"prompt\", \"response\"}, {\"messages\"} or {\"ids\"}")
      ->required();
  command
      ->add_option("--output", options->output,
                   "File for the scores, JSON lines in the order of the input; - is standard output")
      ->required();
  command->footer(
      "Example: lethe score --model opt-2.7b --adapter runs/opt/adapter --input pairs.jsonl --output scores.jsonl");
  command->callback([options, &action] { action = [options] { score(*options); }; });
}

}  // namespace lethe
