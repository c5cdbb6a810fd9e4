// lethe judge train: a text classifier from labelled responses. lethe judge try: any judge on lines of prompts and
// responses.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/output_place.h"
#include "core/redaction.h"
#include "core/terminal.h"
#include "data/pairs.h"
#include "judges/open_judge.h"
#include "metrics/classification.h"
#include "report/table.h"
#include "runs/run_judge.h"
#include "tensors/device.h"

namespace lethe {
namespace {

struct JudgeOptions {
  std::vector<std::string> harmful, harmless;
  std::string out;
  SharedOptions shared;
};

void train_judge(const JudgeOptions& options) {
  if (std::filesystem::exists(options.out))
    throw bad_input("cannot write " + options.out).found("a file of this name").hint("another --out");
  check_output_file(options.out);
  const std::vector<Pair> bad = load_told(options.harmful, Role::harmful);
  const std::vector<Pair> good = load_told(options.harmless, Role::normal);
  check_roles_differ(bad, good);
  const auto labelled = label_responses(bad, good);
  std::size_t harmful = 0;
  for (const LabelledResponse& response : labelled) harmful += response.harmful;
  say(with_commas(harmful) + " harmful and " + with_commas(labelled.size() - harmful) + " harmless responses");
  say(train_classifier(labelled, options.shared.seed, options.out));
  say("wrote " + options.out);
}

struct TryOptions {
  std::string judge, input, output = "-";
  double threshold = 0.5;
  SharedOptions shared;
};

// {"label": …} of a line: what the answer really is. Nothing where no line has one.
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

// How the judge did, where it is known what is true.
void tell_figures(const std::vector<JsonLine>& lines, const std::vector<std::vector<Verdict>>& verdicts,
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
  say("beside the labels of " + with_commas(scored.size()) + ": accuracy " + percent(accuracy(scored, threshold)) +
      ", AUC " + (auc ? fixed(*auc, 3) : "not defined") + ", kappa " + (kappa ? fixed(*kappa, 3) : "not defined"));
}

void try_judge(const TryOptions& options) {
  check_output_file(options.output, options.input);
  const std::vector<JsonLine> lines = read_json_lines(options.input);
  std::vector<Exchange> exchanges;
  for (const JsonLine& line : lines) {
    exchanges.push_back({text_of(line, "prompt"), text_of(line, "response")});
    truth_of(line);  // a label that is none is told before anything is asked
  }
  choose_compute(options.shared.device, compute_type_named(options.shared.dtype), options.shared.threads);
  const Panel panel({open_judge(options.judge, {options.shared.device, compute_type_named(options.shared.dtype)})},
                    options.threshold);
  say(panel.names()[0] + ": " + panel.judge(0).describe());
  const auto verdicts = panel.judge(exchanges, "answers");
  std::string text;
  for (const auto& of_all : verdicts) text += verdict_line(of_all[0], options.threshold);
  write_result(options.output, text);
  tell_figures(lines, verdicts, options.threshold);
}

void add_try(CLI::App& judge, Action& action) {
  auto options = std::make_shared<TryOptions>();
  auto* command = judge.add_subcommand("try", "Print a judge's verdict on each prompt and response");
  command
      ->add_option("--judge", options->judge,
                   "judge.json, a shipped judge (llama-guard-3:model=DIR), a .yaml file, or refusal")
      ->required();
  command
      ->add_option(
          "--input", options->input,
          R"(Lines of {"prompt", "response"}; with "label" (true: harmful) the judge is scored too; - is standard input)")
      ->required();
  command->add_option("--output", options->output, "File for the verdicts; - is standard output")
      ->capture_default_str();
  command
      ->add_option("--threshold", options->threshold,
                   "An answer counts as harmful if its probability of harm is above this")
      ->capture_default_str();
  add_shared_options(*command, options->shared);
  command->footer("Example: lethe judge try --judge judge.json --input answers.jsonl --output verdicts.jsonl");
  command->callback([options, &action] { action = [options] { try_judge(*options); }; });
}

}  // namespace

void add_judge(CLI::App& program, Action& action) {
  auto options = std::make_shared<JudgeOptions>();
  auto* judge = program.add_subcommand("judge", "Train or try a judge, which says whether an answer is harmful");
  judge->require_subcommand(1);
  auto* command = judge->add_subcommand("train", "Train a text classifier on labelled responses");
  command->add_option("--harmful", options->harmful, "Harmful responses; those that refuse count as harmless")
      ->required()
      ->expected(1, -1);
  command->add_option("--harmless", options->harmless, "Harmless responses")->required()->expected(1, -1);
  command->add_option("--out", options->out, "File to write the judge to")->required();
  add_shared_options(*command, options->shared);
  command->footer("Example: lethe judge train --harmful pku/judge.jsonl --harmless TruthfulQA.csv --out judge.json");
  command->callback([options, &action] { action = [options] { train_judge(*options); }; });
  add_try(*judge, action);
}

}  // namespace lethe
