// lethe pull: downloads a model of the Hugging Face Hub.
#include "web/pull.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"

namespace lethe {

void add_pull(CLI::App& program, Action& action) {
  auto name = std::make_shared<std::string>();
  auto* command = program.add_subcommand("pull", "Download a model of the Hugging Face Hub; print its folder");
  command->add_option("name", *name, "org/name, or org/name@revision: a branch, a tag or a commit")->required();
  add_quiet_flag(*command);
  command->footer(
      "Example: lethe pull HuggingFaceTB/SmolLM2-135M-Instruct\n"
      "Downloads weights (safetensors), *.json and the tokenizer into the cache that huggingface_hub uses, and checks "
      "each file's size and hash. An interrupted download continues. --download does the same where a command reads a "
      "model.\n"
      "Environment: HF_TOKEN (gated and private models), HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE.");
  command->callback([name, &action] { action = [name] { write_result("-", pull_model(*name).string() + "\n"); }; });
}

}  // namespace lethe
