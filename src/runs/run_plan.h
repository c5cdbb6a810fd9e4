// What a run will do, and what it needs: printed before the work starts, or instead of it (--dry-run).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "core/run_record.h"
#include "runs/dry_run.h"
#include "runs/needs.h"
#include "runs/stored_model.h"
#include "runs/training_data.h"

namespace lethe {

struct RunPlan {
  std::string command;                                     ///< "unlearn"
  std::vector<std::pair<std::string, std::string>> lines;  ///< what, and its text; at most eleven
  OrderedJson facts = OrderedJson::object();               ///< the same figures by name
  double normal_tokens = 0;                                ///< mean length of a normal training pair; 0: unknown
  Needs needs;
  std::uint64_t free_disk = 0;        ///< bytes at the place of the run; 0: unknown
  std::vector<std::string> warnings;  ///< what will keep the run from a verdict, and what to change

  /// Sets the warnings, also among the facts.
  void warn_of(std::vector<std::string> obstacles);

  /// "plan of lethe unlearn", then the lines.
  std::string text() const;
};

/// The plan of `lethe unlearn`. Reads the lengths of at most 256 training pairs of each kind.
/// @param recipe  with a decided template (template_choice.h)
/// @param ranks   processes that share the steps
RunPlan unlearning_plan(const Recipe& recipe, const StoredModel& original, const RunData& data, const Compute& compute,
                        std::int64_t ranks = 1);

/// The plan of `lethe finetune`. @param name  of the model or the configuration
/// @param checkpoint_bytes  of the model that all weights are written as
RunPlan finetuning_plan(const Recipe& recipe, const std::string& name, const DecoderSpec& spec,
                        std::uint64_t checkpoint_bytes, const std::vector<Pair>& pairs, const ExampleMaker& examples,
                        const Compute& compute, std::int64_t ranks = 1);

/// "float32"
std::string dtype_text(const Compute& compute);

/// What will keep the run from a verdict (evaluation/verdict_outlook.h).
/// @param unseen, normal  prompts that can be evaluated
std::vector<std::string> verdict_obstacles(const Recipe& recipe, const RunData& data, std::size_t unseen,
                                           std::size_t normal);

/// Prints the plan and its warnings before the work, and adds it to run.json.
void report_plan(const RunPlan& plan, RunRecord& run);
/// Prints the plan as the result of a dry run, and its warnings.
void print_plan(const RunPlan& plan, const DryRun& dry_run);

}  // namespace lethe
