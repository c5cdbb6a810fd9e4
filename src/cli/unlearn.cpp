// lethe unlearn: the main job.
#include "runs/unlearn.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/program.h"
#include "cli/run_options.h"

namespace lethe {

void add_unlearn(CLI::App& program, Action& action) {
  auto options = std::make_shared<RecipeOptions>();
  auto* command =
      program.add_subcommand("unlearn", "Make a model forget: learn the harm, subtract it, evaluate the result");
  options->add_to(*command, {{"model", "model"},
                             {"harmful", "data.harmful"},
                             {"normal", "data.normal"},
                             {"out", "out"},
                             {"unseen-other", "evaluation.other"},
                             {"xstest", "evaluation.xstest"},
                             {"choices", "evaluation.choices"},
                             {"text", "evaluation.text"}});
  options->add_resume(*command);
  command->footer(
      "Example: lethe unlearn --model facebook/opt-2.7b --harmful pku/train.jsonl --normal TruthfulQA.csv\n"
      "                       tuning=lora training.steps=1000 --out runs/opt-2.7b\n"
      "The run holds back a part of the harmful and normal prompts for evaluation. --unseen-other, --xstest, --choices "
      "and --text\nadd further sets. Every key of a recipe can be set as key=value; `lethe recipe` prints them all.\n"
      "An interrupted run continues with: lethe unlearn --resume runs/opt-2.7b\n" +
      data_file_line());
  command->callback([options, &action] { action = [options] { unlearn(options->resolve(), options->resumes()); }; });
}

}  // namespace lethe
