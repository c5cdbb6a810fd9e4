// lethe push: uploads a run's model or adapter to the Hugging Face Hub.
#include "runs/push.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"

namespace lethe {

void add_push(CLI::App& program, Action& action) {
  auto request = std::make_shared<PushRequest>();
  auto* command = program.add_subcommand("push", "Upload a run's model or adapter to the Hugging Face Hub");
  command->add_option("run", request->run, "Folder of a finished run")->required();
  command->add_option("name", request->name, "OWNER/NAME: the repository, created if there is none")->required();
  command->add_flag("--public", request->is_public, "Let everybody see it (default: private)");
  command->add_option("--base-name", request->base_name,
                      "The base's name on the Hub, for the card and the adapter (default: as the run knows it)");
  command->add_flag("--update", request->update,
                    "Allow a repository that holds files: those of the same names are replaced, but not its README.md");
  command->add_flag("--replace-card", request->replace_card, "With --update: replace its README.md, too");
  command->add_flag("--anyway", request->anyway, "Push without a verdict, or with a red one");
  command->add_flag("--dry-run", request->dry_run, "Check the run, print the plan and stop; connects to nobody");
  add_quiet_flag(*command);
  command->footer(
      "Example: lethe push runs/opt-2.7b me/opt-2.7b-unlearned --base-name facebook/opt-2.7b\n"
      "Sends weights, configuration, tokenizer and card of model/ or adapter/, and prints the address. Data, answers, "
      "snapshots and harmful/ stay here, and paths become names. An interrupted push continues with the same command.\n"
      "Environment: HF_TOKEN (or hf auth login), HF_ENDPOINT, HF_HUB_OFFLINE.");
  command->callback([request, &action] {
    action = [request] {
      if (const std::string page = push_run(*request); !page.empty()) write_result("-", page + "\n");
    };
  });
}

}  // namespace lethe
