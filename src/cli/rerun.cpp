// lethe rerun: a finished run once more, and whether it came out the same.
#include "runs/rerun.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/program.h"
#include "core/terminal.h"

namespace lethe {

void add_rerun(CLI::App& program, Action& action) {
  auto request = std::make_shared<RerunRequest>();
  auto quiet = std::make_shared<bool>(false);
  auto* command = program.add_subcommand("rerun", "Do a finished run again, and compare the files it wrote");
  command->add_option("run", request->run, "Folder of the run")->required();
  command->add_option("--out", request->out, "Where to write (default: RUN-rerun)");
  command->add_flag("--quiet", *quiet, "Print errors only");
  command->footer(
      "Example: lethe rerun runs/opt-2.7b\n"
      "Of unlearn and finetune. An input that has changed since is refused by name. Status 0: the same bits, 1: a file "
      "differs.");
  command->callback([request, quiet, &action] {
    action = [request, quiet] {
      configure_terminal({.quiet = *quiet});
      rerun(*request);
    };
  });
}

}  // namespace lethe
