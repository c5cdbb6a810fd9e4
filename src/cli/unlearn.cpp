// lethe unlearn: makes a model forget.
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
                             {"text", "evaluation.text"},
                             {"template", "data.template"}});
  options->add_resume(*command);
  options->add_dry_run(*command);
  auto curve = std::make_shared<bool>(false);
  command->add_flag("--curve", *curve, "Also measure the KL at every tenth of alpha (negation.curve)");
  command->footer(
      "Example: lethe unlearn --model facebook/opt-2.7b --harmful pku/train.jsonl --normal TruthfulQA.csv\n"
      "                       tuning=lora training.steps=1000 --out runs/opt-2.7b\n"
      "The run holds back a part of the harmful and normal prompts for evaluation. --unseen-other, --xstest, --choices "
      "and --text\nadd further sets. Every key of a recipe can be set as key=value; `lethe recipe` prints them all.\n"
      "An interrupted run continues with: lethe unlearn --resume runs/opt-2.7b\n" +
      data_file_line());
  command->callback([options, curve, &action] {
    action = [options, curve] {
      const std::vector<std::string> given =
          *curve ? std::vector<std::string>{"negation.curve=true"} : std::vector<std::string>{};
      unlearn(options->resolve(given), options->resumes(), options->dry_run());
    };
  });
}

}  // namespace lethe
