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
      program.add_subcommand("unlearn", "Make a model forget: learn the harm, subtract it, judge the result");
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
      "Files of harmful and normal pairs: .jsonl, .json, .csv; data.csv:prompt=goal,response=target names columns.\n"
      "Evaluation files beside the held-out parts: --unseen-other (harmful prompts of another source), --xstest (safe "
      "prompts that look unsafe),\n--choices (MMLU, WMDP, TruthfulQA), --text (for perplexity).\n"
      "An interrupted run goes on with: lethe unlearn --resume runs/opt-2.7b");
  command->callback([options, &action] { action = [options] { unlearn(options->resolve(), options->resumes()); }; });
}

}  // namespace lethe
