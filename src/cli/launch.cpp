// lethe launch: one run on several processes of this machine.
#include "ranks/launch.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>

#include "cli/program.h"
#include "core/error.h"
#include "core/redaction.h"
#include "core/terminal.h"

namespace lethe {

namespace {

// A flag that stands before the command holds for the ranks too.
void pass_to_ranks(const std::string& flag, bool on, std::vector<std::string>& words) {
  if (on && std::find(words.begin(), words.end(), flag) == words.end()) words.push_back(flag);
}

}  // namespace

void add_launch(CLI::App& program, Action& action) {
  auto options = std::make_shared<LaunchOptions>();
  auto* command = program.add_subcommand("launch", "Run unlearn or finetune on several processes of this machine");
  command->add_option("-n,--processes", options->processes, "Processes, each with its share of the cores (or its GPU)")
      ->required();
  command->prefix_command();
  command->footer(
      "Example: lethe launch -n 2 unlearn --model facebook/opt-2.7b --harmful pku/train.jsonl --normal TruthfulQA.csv\n"
      "                       tuning=lora training.accumulate=2 --out runs/opt-2.7b\n"
      "Each process computes its share of the micro-batches of a step, so that training.accumulate must be at least "
      "the "
      "number\nof processes. The result has the same bits as that of one process with as many threads.\n"
      "For several machines: torchrun, srun or mpirun (docs/scale.md).");
  command->callback([command, options, &action] {
    action = [command, options] {
      options->words = command->remaining();
      const std::string first = options->words.empty() ? "" : options->words.front();
      if (first != "unlearn" && first != "finetune")
        throw bad_usage("cannot launch " + (first.empty() ? "nothing" : excerpt(first)))
            .wanted("lethe launch -n 2 unlearn …, or finetune …")
            .hint("other commands compute in one process");
      if (std::find(options->words.begin(), options->words.end(), "--quiet") != options->words.end())
        configure_terminal({.quiet = true, .json_log = terminal_options().json_log});
      pass_to_ranks("--quiet", terminal_options().quiet, options->words);
      pass_to_ranks("--json-log", terminal_options().json_log, options->words);
      pass_to_ranks("--redact", texts_are_redacted(), options->words);
      options->program = std::filesystem::read_symlink("/proc/self/exe");
      if (const int status = launch_ranks(*options); status != 0) throw AlreadySaid{status};
    };
  });
}

}  // namespace lethe
