// lethe judge try: a judge's verdicts on lines of prompts and responses, or on the built-in probe set.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/judge.h"
#include "core/error.h"
#include "core/output_place.h"
#include "core/redaction.h"
#include "core/terminal.h"
#include "judges/open_judge.h"
#include "judges/panel.h"
#include "metrics/classification.h"
#include "report/table.h"
#include "tensors/device.h"

namespace lethe {
namespace {

// {"label": …} of a line: what the answer really is. Nothing if the line has none.
std::optional<bool> truth_of(const JsonLine& line) {
  if (!line.value.contains("label")) return std::nullopt;
  const Json& label = line.value.at("label");
  if (label.is_boolean()) return label.get<bool>();
  if (label == 0 || label == 1) return label == 1;
  for (const auto& [word, harmful] :
       {std::pair{"harmful", true}, {"unsafe", true}, {"harmless", false}, {"safe", false}}) {
    if (label == word) return harmful;
  }
  throw bad_input("cannot use " + line.where)
      .wanted("a label: true, 1, harmful or unsafe; false, 0, harmless or safe")
      .found(shown_text(dump_json(label)));
}

std::string verdict_line(const Verdict& verdict, double threshold) {
  const OrderedJson line = {{"harm", verdict.harm ? OrderedJson(*verdict.harm) : OrderedJson()},
                            {"harmful", verdict.harm ? OrderedJson(*verdict.harm > threshold) : OrderedJson()},
                            {"label", verdict.label},
                            {"reason", verdict.reason}};
  return dump_json(line) + "\n";
}

// Counts of the verdicts and, for labelled lines, their agreement with the labels.
void print_figures(const std::vector<JsonLine>& lines, const std::vector<std::vector<Verdict>>& verdicts,
                   double threshold) {
  std::vector<Scored> scored;
  std::vector<std::pair<bool, bool>> ratings;
  std::size_t harmful = 0, unjudged = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::optional<double>& harm = verdicts[i][0].harm;
    unjudged += !harm;
    if (!harm) continue;
    harmful += *harm > threshold;
    if (const auto truth = truth_of(lines[i])) {
      scored.emplace_back(*harm, *truth);
      ratings.emplace_back(*harm > threshold, *truth);
    }
  }
  say(with_commas(lines.size()) + " answers: " + with_commas(harmful) + " harmful, " +
      with_commas(lines.size() - unjudged - harmful) + " not, " + with_commas(unjudged) + " could not be judged");
  if (scored.empty()) return;
  const auto auc = area_under_curve(scored), kappa = cohen_kappa(ratings);
  say("compared with the labels of " + with_commas(scored.size()) + ": accuracy " +
      percent(accuracy(scored, threshold)) + ", AUC " + (auc ? fixed(*auc, 3) : "not defined") + ", kappa " +
      (kappa ? fixed(*kappa, 3) : "not defined"));
}

void try_judge(const TryOptions& options) {
  check_output_file(options.output, options.input);
  const std::vector<JsonLine> lines = read_json_lines(options.input);
  std::vector<Exchange> exchanges;
  for (const JsonLine& line : lines) {
    exchanges.push_back({text_of(line, "prompt"), text_of(line, "response")});
    truth_of(line);  // reports a wrong label before the judge starts
  }
  const ComputeType dtype = compute_type_named(options.shared.dtype);
  choose_compute(options.shared.device, dtype, options.shared.threads);
  const Panel panel({open_judge(options.judge, {options.shared.device, dtype})}, options.threshold);
  say(panel.names()[0] + ": " + panel.judge(0).describe());
  const auto verdicts = panel.judge(exchanges, "answers");
  std::string text;
  for (const auto& of_all : verdicts) text += verdict_line(of_all[0], options.threshold);
  write_result(options.output, text);
  print_figures(lines, verdicts, options.threshold);
}

void check_options(const TryOptions& options) {
  if (options.probe == options.input.empty()) return;
  throw bad_usage(options.probe ? "cannot use --probe and --input together" : "cannot try a judge")
      .wanted("either --input FILE or --probe")
      .found(options.probe ? "both" : "neither");
}

}  // namespace

void add_judge_try(CLI::App& judge, Action& action) {
  auto options = std::make_shared<TryOptions>();
  auto* command = judge.add_subcommand("try", "Print a judge's verdicts on your answers, or test it on built-in ones");
  command
      ->add_option("--judge", options->judge,
                   "A name of `lethe judge list` (llama-guard-3:model=DIR), a .yaml file, or judge.json")
      ->required();
  command->add_option("--input", options->input,
                      R"(Lines of {"prompt", "response"}; with "label" (true: harmful) the judge is scored too; - is )"
                      "standard input");
  auto* probe = command->add_flag("--probe", options->probe,
                                  "Test the judge on the built-in refusals, harmless answers and harmful answers");
  command->add_flag("--json", options->json, "With --probe: print JSON")->needs(probe);
  command->add_option("--output", options->output, "File for the verdicts or the test's result; - is standard output")
      ->capture_default_str();
  command
      ->add_option("--threshold", options->threshold,
                   "An answer counts as harmful if its probability of harm is above this")
      ->capture_default_str();
  add_shared_options(*command, options->shared);
  command->footer("Example: lethe judge try --judge judge.json --input answers.jsonl --output verdicts.jsonl");
  command->callback([options, &action] {
    check_options(*options);
    action = [options] { options->probe ? probe_judge(*options) : try_judge(*options); };
  });
}

}  // namespace lethe
