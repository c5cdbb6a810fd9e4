// The request of `lethe reproduce`: the rows, seeds, learning rates and budgets to compare.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

/// A row of the table: a method, described by its settings.
struct ReproducedRow {
  std::string name;                   ///< letters, digits, "_", "-", ".": file names contain it
  std::vector<std::string> settings;  ///< "key=value", applied to the request's recipe
};

/// The paper's rows: finetune, task_vector, ga, ga_mismatch, sku, sku_no_gd, sku_no_rd, sku_no_pd.
const std::vector<ReproducedRow>& paper_rows();
/// Rows that are not in the paper's table: contrast, contrast_r0 (which learns no harm). Each name adds both, since
/// only the second says what the subtraction of the first is worth.
const std::vector<ReproducedRow>& further_rows();
/// The paper's rows, the further ones, and a row with the published settings for every other method of the table.
std::vector<ReproducedRow> all_rows();
/// The rows with these names (no names: all of the paper's; `all`: all_rows()), then the variants: "NAME KEY=VALUE
/// KEY=VALUE …". A variant is SKU unless it sets `method`.
/// @throws Error (usage) if a name is unknown, given twice or not fit for a file name, or a variant has no settings
std::vector<ReproducedRow> chosen_rows(const std::vector<std::string>& names, const std::vector<std::string>& variants);

struct ReproduceRequest {
  Recipe recipe;  ///< data, model, steps, batch; each row sets lr
  std::vector<ReproducedRow> rows;
  std::vector<std::uint64_t> seeds;  ///< each splits the data and trains again
  std::vector<double> rates;         ///< learning rates to try for each method, on validation prompts of the first seed
  std::filesystem::path space;       ///< instead of `rates`: the keys to search over (trial_space.h)
  std::size_t trials = 0;            ///< with `space`: trials of each method
  bool with_costs = false;           ///< the tables also have memory, training time and the rule of the choice
  std::vector<double> budgets;       ///< KL on normal validation answers, nats a token; the table shows the first
  std::filesystem::path demo_inputs;  ///< folder to write the demo's model and data to first; empty: not used
  std::vector<double> alphas;         ///< further points of each method's curve; 1 is always measured
  DryRun dry_run;                     ///< check everything and print the plan instead
};

}  // namespace lethe
