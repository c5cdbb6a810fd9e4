// lethe judge train: a text classifier from labelled responses.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "runs/run_judge.h"

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
  const auto labelled =
      label_responses(load_told(options.harmful, Role::harmful), load_told(options.harmless, Role::normal));
  std::size_t harmful = 0;
  for (const LabelledResponse& response : labelled) harmful += response.harmful;
  say(with_commas(harmful) + " harmful and " + with_commas(labelled.size() - harmful) + " harmless responses");
  const Classifier judge = CrossFittedClassifier::train(labelled, {}, options.shared.seed).whole();
  judge.save(options.out);
  say(judge.describe());
  say("wrote " + options.out);
}

}  // namespace

void add_judge(CLI::App& program, Action& action) {
  auto options = std::make_shared<JudgeOptions>();
  auto* judge = program.add_subcommand("judge", "Judges: who says whether an answer is harmful");
  judge->require_subcommand(1);
  auto* command = judge->add_subcommand("train", "Train a text classifier on labelled responses");
  command->add_option("--harmful", options->harmful, "Harmful responses; those that refuse count as harmless")
      ->required()
      ->expected(1, -1);
  command->add_option("--harmless", options->harmless, "Harmless responses")->required()->expected(1, -1);
  command->add_option("--out", options->out, "The judge's file")->required();
  add_shared_options(*command, options->shared);
  command->footer("Example: lethe judge train --harmful pku/judge.jsonl --harmless TruthfulQA.csv --out judge.json");
  command->callback([options, &action] { action = [options] { train_judge(*options); }; });
}

}  // namespace lethe
