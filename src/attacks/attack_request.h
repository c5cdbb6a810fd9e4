// What `lethe attack` is asked to do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "attacks/attack.h"
#include "attacks/attack_result.h"
#include "data/sources.h"
#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

struct AttackRequest {
  std::filesystem::path run;  ///< folder of an unlearn run; empty: the models and files below
  /// Of a run that is not finished yet, whose attacks are a part of it: only the unlearned model is attacked, what
  /// `out` holds of other settings is replaced, and the run prints the results.
  std::optional<Recipe> run_recipe;
  std::string model, original;             ///< checkpoint folders; with a run, `original` is only given if it moved
  std::vector<std::string> adapters;       ///< on the model; without a run
  std::string retrained;                   ///< the control: a model that was trained without the harm; may be empty
  std::vector<DataSource> harmful;         ///< without a run: the pairs that were unlearned; may be empty
  std::vector<DataSource> unseen, normal;  ///< without a run: held-out harmful prompts, normal pairs
  std::vector<std::string> attacks;        ///< names; empty: all that the data allow
  std::filesystem::path tricks;            ///< further prompts (--prompts); may be empty
  std::size_t prompts = 48;                ///< measured, of each kind
  AttackBudget budget;
  bool keep_models = false;  ///< write the attacked models, for the user alone
  bool json = false;         ///< print attack.json instead of the table
  DryRun dry_run;
  std::filesystem::path out;
  /// Judge, template, lengths, device, seed. With a run its own recipe counts, and of these only what is set below.
  Recipe recipe;
  std::vector<std::string> judge;   ///< with a run: instead of its judges; may be empty
  std::string response_template;    ///< with a run: instead of its template; may be empty
  std::int64_t max_new_tokens = 0;  ///< with a run: instead of its longest answer; 0: as the run
};

/// Runs the attacks and writes attack.json, answers.jsonl and report.html into request.out. Each finished part is
/// stored in parts/ at once; the same command continues with the next one. A dry run checks everything and prints the
/// plan.
/// @return what was found; empty after a dry run
/// @throws Error (bad input) naming the attacks that the data do not allow, before anything runs
AttackResult attack(const AttackRequest& request);

}  // namespace lethe
