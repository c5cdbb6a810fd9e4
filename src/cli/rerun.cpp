// lethe rerun: a finished run once more, and whether it came out the same.
#include "runs/rerun.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"

namespace lethe {

void add_rerun(CLI::App& program, Action& action) {
  auto request = std::make_shared<RerunRequest>();
  auto* command = program.add_subcommand("rerun", "Do a finished run again, and compare the files it wrote");
  command->add_option("run", request->run, "Folder of the run")->required();
  command->add_option("--out", request->out, "Where to write (default: RUN-rerun)");
  add_quiet_flag(*command);
  command->footer(
      "Example: lethe rerun runs/opt-2.7b\n"
      "Of unlearn and finetune. An input that has changed since is refused by name. Status 0: the same bits, 1: a file "
      "differs.");
  command->callback([request, &action] { action = [request] { rerun(*request); }; });
}

}  // namespace lethe
