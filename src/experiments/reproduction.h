// What `lethe reproduce` compares: rows, seeds, learning rates, budgets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "recipe/recipe.h"

namespace lethe {

/// A row of the table: what is trained, told by the settings that make it.
struct ReproducedRow {
  std::string name;                   ///< letters, digits, "_", "-", ".": it names files
  std::vector<std::string> settings;  ///< "key=value", on top of the request's recipe
};

/// The paper's rows: finetune, task_vector, ga, ga_mismatch, sku, sku_no_gd, sku_no_rd, sku_no_pd.
const std::vector<ReproducedRow>& paper_rows();
/// The paper's rows of these names (all of them for none), then variants: "NAME KEY=VALUE KEY=VALUE …", which are SKU
/// unless they set `method`.
/// @throws Error (usage) for a name that is unknown, taken twice or names no file, or without settings
std::vector<ReproducedRow> chosen_rows(const std::vector<std::string>& names, const std::vector<std::string>& variants);

struct ReproduceRequest {
  Recipe recipe;  ///< data, model, steps, batch; lr is set row by row
  std::vector<ReproducedRow> rows;
  std::vector<std::uint64_t> seeds;  ///< each splits the data and trains anew
  std::vector<double> rates;         ///< learning rates tried for every method, on validation prompts of the first seed
  std::vector<double> budgets;       ///< KL on normal validation answers, nats a token; the first is the table's
  std::filesystem::path demo_inputs;  ///< not empty: the demo's model and data are written there first
  std::vector<double> alphas;         ///< further points of each method's curve; 1 is always measured
};

}  // namespace lethe
