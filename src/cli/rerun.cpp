// lethe rerun: repeats a finished run and compares the files.
#include "runs/rerun.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "attacks/run_attacks.h"
#include "cli/common.h"
#include "cli/program.h"

namespace lethe {

void add_rerun(CLI::App& program, Action& action) {
  auto request = std::make_shared<RerunRequest>();
  auto* command = program.add_subcommand("rerun", "Repeat a finished run, and compare the files of both bit by bit");
  command->add_option("run", request->run, "Folder of the run")->required();
  command->add_option("--out", request->out, "Where to write (default: RUN-rerun)");
  add_quiet_flag(*command);
  command->footer(
      "Example: lethe rerun runs/opt-2.7b\n"
      "RUN is a run of unlearn or finetune. An input that has changed since is refused by name.\n"
      "Exit status 0: all files have the same bits, 1: a file differs.");
  command->callback([request, &action] { action = [request] { rerun(*request, attacks_on_runs()); }; });
}

}  // namespace lethe
