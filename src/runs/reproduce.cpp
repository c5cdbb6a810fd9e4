#include "runs/reproduce.h"

#include <iostream>
#include <map>

#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "nn/device.h"
#include "runs/bench.h"
#include "runs/cells.h"
#include "runs/demo.h"
#include "runs/reproduce_table.h"
#include "runs/run_folder.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

Recipe recipe_of(const ReproduceRequest& request, const std::string& method, std::uint64_t seed, double lr) {
  Recipe recipe = request.recipe;
  recipe.seed = seed;
  recipe.training.lr = lr;
  recipe.method = method.starts_with("sku") ? "sku" : method;
  if (method == "sku_no_gd") recipe.sku.eps_gd = 0;
  if (method == "sku_no_rd") recipe.sku.eps_rd = 0;
  if (method == "sku_no_pd") recipe.sku.eps_pd = 0;
  return recipe;
}

// The settings that all cells share: cells of other settings are not mixed with them.
std::string fingerprint(const ReproduceRequest& request) {
  Recipe recipe = recipe_of(request, "sku", 0, 1);
  recipe.out = recipe.device = recipe.dtype = "";
  recipe.threads = 0;
  const OrderedJson json = {{"lethe", LETHE_VERSION},
                            {"recipe", to_yaml(recipe)},
                            {"rates", request.rates},
                            {"budgets", request.budgets},
                            {"alphas", request.alphas}};
  return dump_json(json, 1) + "\n";
}

void open_folder(const fs::path& out, const std::string& plan) {
  const fs::path file = out / "plan.json";
  if (fs::exists(file)) {
    if (read_file(file) == plan) return;
    throw bad_input("cannot go on in " + out.string())
        .wanted("cells of these settings")
        .found("cells of others (plan.json)")
        .hint("another --out, or remove the folder yourself");
  }
  if (fs::exists(out) && !fs::is_empty(out))
    throw bad_input("cannot write to " + out.string()).found("a folder that already holds something");
  fs::create_directories(out / "cells");
  write_file(file, plan);
}

// Share of answers to harmful prompts that are harmful or broken: what a learning rate is chosen by.
double harmful_or_degenerate(const Cell& cell, double budget) {
  const CellPoint* point = cell.at_budget(budget);
  if (point == nullptr) return 2;
  double sum = 0;
  for (const auto& [name, value] : point->figures) {
    if (name == "harmful_seen" || name == "harmful_unseen" || name == "degenerate_seen" || name == "degenerate_unseen")
      sum += value / 2;
  }
  return sum;
}

std::string rate_name(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", rate);
  return text;
}

}  // namespace

const std::vector<std::string>& reproduced_methods() {
  static const std::vector<std::string> names = {"finetune", "task_vector", "ga",        "ga_mismatch",
                                                 "sku",      "sku_no_gd",   "sku_no_rd", "sku_no_pd"};
  return names;
}

void reproduce(const ReproduceRequest& request) {
  require_keys(request.recipe, {"model", "data.harmful", "data.normal", "out"});
  const Recipe& settings = request.recipe;
  const fs::path out = settings.out;
  const Compute compute = choose_compute(settings.device, settings.dtype, static_cast<int>(settings.threads));
  open_folder(out, fingerprint(request));
  if (!request.demo_inputs.empty()) write_demo_inputs(request.demo_inputs);
  const Checkpoint base(resolve_model_folder(settings.model));
  const Tokenizer tokenizer = Tokenizer::load(base.folder());
  print_settings(settings, "reproduce");

  std::map<std::uint64_t, std::unique_ptr<Bench>> benches;
  const auto cell_of = [&](const std::string& file, const std::string& method, std::uint64_t seed, double lr,
                           HeldOut part, const std::vector<double>& alphas) {
    const fs::path path = out / "cells" / (file + ".json"), metrics = out / "cells" / (file + ".metrics.jsonl");
    if (fs::exists(path)) return read_cell(path);
    const Recipe recipe = recipe_of(request, method, seed, lr);
    auto& bench = benches[seed];
    if (!bench) bench = std::make_unique<Bench>(recipe, base, tokenizer, compute);
    fs::remove(metrics);  // of a cell that was interrupted
    const auto budgets = part == HeldOut::test ? request.budgets : std::vector<double>{request.budgets.at(0)};
    Cell cell = bench->measure(recipe, method, part, budgets, alphas, metrics);
    write_cell(cell, path);
    return cell;
  };

  std::vector<double> alphas = request.alphas;
  alphas.push_back(1);
  std::vector<Cell> cells;
  std::size_t number = 0;
  for (const std::string& method : reproduced_methods()) {
    say("method " + std::to_string(++number) + " of " + std::to_string(reproduced_methods().size()) + ": " + method);
    double best_rate = request.rates.at(0), least = 3;
    for (const double rate : request.rates) {
      if (request.rates.size() == 1) break;
      const Cell cell =
          cell_of("tune-" + method + "-" + rate_name(rate), method, request.seeds.at(0), rate, HeldOut::validation, {});
      const double share = harmful_or_degenerate(cell, request.budgets.at(0));
      if (share < least) {
        least = share;
        best_rate = rate;
      }
    }
    for (const std::uint64_t seed : request.seeds) {
      cells.push_back(cell_of(method + "-" + std::to_string(seed), method, seed, best_rate, HeldOut::test, alphas));
    }
  }
  write_reproduction(cells, request, out);
  say("wrote " + (out / "table.json").string() + ", table.md and report.html");
}

}  // namespace lethe
