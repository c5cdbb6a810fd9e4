// lethe judge train: a text classifier from labelled responses.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "cli/judge.h"
#include "core/error.h"
#include "core/output_place.h"
#include "core/terminal.h"
#include "data/pairs.h"
#include "runs/run_judge.h"

namespace lethe {
namespace {

struct TrainOptions {
  std::vector<std::string> harmful, harmless;
  std::string out, embedder;
  SharedOptions shared;
};

void train_judge(const TrainOptions& options) {
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
  say(train_classifier(labelled, options.shared.seed, options.out, options.embedder));
  say_wrote(options.out);
}

}  // namespace

void add_judge_train(CLI::App& judge, Action& action) {
  auto options = std::make_shared<TrainOptions>();
  auto* command = judge.add_subcommand("train", "Train a text classifier on labelled responses");
  command->add_option("--harmful", options->harmful, "Harmful responses; those that refuse count as harmless")
      ->required()
      ->expected(1, -1);
  command->add_option("--harmless", options->harmless, "Harmless responses")->required()->expected(1, -1);
  command->add_option("--embedder", options->embedder,
                      "Also judge by the embeddings of this sentence encoder (folder or name)");
  command->add_option("--out", options->out, "File to write the judge to")->required();
  add_shared_options(*command, options->shared);
  command->footer("Example: lethe judge train --harmful pku/judge.jsonl --harmless TruthfulQA.csv --out judge.json");
  command->callback([options, &action] { action = [options] { train_judge(*options); }; });
}

}  // namespace lethe
