// lethe unlearn: makes a model forget.
#include "runs/unlearn.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "attacks/run_attacks.h"
#include "cli/program.h"
#include "cli/run_options.h"
#include "core/join.h"
#include "core/terminal.h"
#include "ranks/with_group.h"
#include "recipe/recipe_changes.h"

namespace lethe {
namespace {

// They stand in every recipe that was made for another method, so they are no errors.
void warn_of_unread_keys(const Recipe& recipe) {
  const std::vector<std::string> unread = unread_keys(recipe);
  if (unread.empty()) return;
  warn("the method " + recipe.method + " does not read " + join(unread, ", ") +
       (unread.size() == 1 ? ": it" : ": they") + (unread.size() == 1 ? " changes" : " change") +
       " nothing (lethe methods " + recipe.method + ")");
}

}  // namespace

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
  options->add_ranks(*command);
  auto curve = std::make_shared<bool>(false);
  command->add_flag("--curve", *curve, "Also measure the KL at every tenth of alpha (negation.curve)");
  command->footer(
      "Example: lethe unlearn --model facebook/opt-2.7b --harmful pku/train.jsonl --normal TruthfulQA.csv\n"
      "                       tuning=lora training.steps=1000 --out runs/opt-2.7b\n"
      "The run holds back a part of the harmful and normal prompts for evaluation. --unseen-other, --xstest, --choices "
      "and --text add further sets. Every key of a recipe can be set as key=value; `lethe recipe` prints them all. "
      "The most used: "
      "method=, negation.kl_budget=, negation.alpha=, evaluation.judge=.\n"
      "An interrupted run continues with: lethe unlearn --resume runs/opt-2.7b\n" +
      data_file_line());
  command->callback([options, curve, &action] {
    action = [options, curve] {
      const std::vector<std::string> given =
          *curve ? std::vector<std::string>{"negation.curve=true"} : std::vector<std::string>{};
      with_group([&](Group* group) {
        if (group != nullptr && group->rank() > 0) return options->dry_run().on ? void() : unlearn_as_rank(*group);
        const Recipe recipe = options->resolve(given);
        warn_of_unread_keys(recipe);
        unlearn(recipe, options->resumes(), options->dry_run(), attacks_on_runs(), group);
      });
    };
  });
}

}  // namespace lethe
