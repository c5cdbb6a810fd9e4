// Evaluates an existing model, beside the original if it is given.
#pragma once

#include <string>
#include <vector>

#include "data/sources.h"
#include "evaluation/answer_server.h"
#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

struct EvaluateRequest {
  std::string model, original;        ///< checkpoint folders; original may be empty
  std::vector<std::string> adapters;  ///< on the model
  std::vector<DataSource> seen, unseen, normal, normal_train;
  /// Servers that answer the prompts; without an endpoint Lethe answers. The names default to `model` and `original`.
  ServedModel served, served_original;
  bool json = false;  ///< print results.json instead of the table
  DryRun dry_run;
  Recipe recipe;  ///< template, lengths, judge, prompts, device, out, seed
};

/// Writes results.json, predictions.jsonl and report.html into recipe.out, and prints the table. A dry run checks
/// everything and prints the plan instead.
void evaluate(const EvaluateRequest& request);

}  // namespace lethe
