// lethe finetune: plain training on responses.
#include "runs/finetune.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/program.h"
#include "cli/run_options.h"
#include "ranks/with_group.h"

namespace lethe {

void add_finetune(CLI::App& program, Action& action) {
  auto options = std::make_shared<RecipeOptions>();
  auto* command = program.add_subcommand(
      "finetune", "Train a model on responses, with LoRA or all weights, from a checkpoint or from scratch");
  options->add_to(*command, {{"model", "model"},
                             {"config", "config"},
                             {"data", "data.train"},
                             {"template", "data.template"},
                             {"out", "out"}});
  options->add_resume(*command);
  options->add_dry_run(*command);
  options->add_ranks(*command);
  command->footer(
      "Example: lethe finetune --model facebook/opt-125m --data answers.jsonl tuning=lora training.steps=200 --out "
      "runs/ft\n"
      "         lethe finetune --config tiny/config.json --data pairs.jsonl stories.json training.steps=3000 --out "
      "runs/base\n"
      "                        (random weights; the tokenizer files are in the folder of config.json)\n" +
      data_file_line());
  command->callback([options, &action] {
    action = [options] {
      with_group([&](Group* group) {
        if (group != nullptr && group->rank() > 0) return options->dry_run().on ? void() : finetune_as_rank(*group);
        finetune(options->resolve({"method=finetune"}), options->resumes(), options->dry_run(), group);
      });
    };
  });
}

}  // namespace lethe
