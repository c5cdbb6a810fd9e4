// lethe demo: unlearns a small embedded model in minutes.
#include "demo/demo.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"

namespace lethe {

void add_demo(CLI::App& program, Action& action) {
  auto request = std::make_shared<DemoRequest>();
  auto* command =
      program.add_subcommand("demo", "Unlearn a small embedded model, and show its answers before and after");
  command->add_option("--out", request->out, "Folder to write (default: runs/demo, runs/demo-2, …)");
  command->add_flag("--retrain", request->retrain, "Train the demo's model from scratch first");
  command->add_flag("--data-only", request->data_only, "Write the data files of the fictional world, and stop");
  command->add_option("--threads", request->threads, "Threads; 0: one for each core")->capture_default_str();
  add_quiet_flag(*command);
  command->footer("Example: lethe demo");
  command->callback([request, &action] { action = [request] { run_demo(*request); }; });
}

}  // namespace lethe
