#include "experiments/reproduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "experiments/reproduce_table.h"
#include "folder_test.h"
#include "recipe/method_table.h"

namespace lethe {
namespace {

TEST(ReproducedRows, AreThePapersUnlessSomeAreNamed) {
  EXPECT_EQ(chosen_rows({}, {}).size(), 8U);
  const auto rows = chosen_rows({"sku", "ga"}, {});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].name, "ga");
  for (const ReproducedRow& row : paper_rows()) EXPECT_NO_THROW(with_settings({}, row.settings)) << row.name;
}

TEST(ReproducedRows, ContrastStandsBesideItselfWithoutHarm) {
  for (const std::vector<std::string>& names :
       std::vector<std::vector<std::string>>{{"contrast"}, {"contrast_r0"}, {"contrast", "contrast_r0"}}) {
    const auto rows = chosen_rows(names, {});
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(with_settings({}, rows[0].settings).safe.ratio, 0.25);
    EXPECT_EQ(with_settings({}, rows[1].settings).safe.ratio, 0);
  }
  EXPECT_EQ(chosen_rows({"sku", "contrast"}, {}).size(), 3U);
}

TEST(ReproducedRows, AreEveryMethodOfTheTableIfAllAreAskedFor) {
  const auto rows = chosen_rows({"all"}, {});
  for (const ReproducedRow& row : paper_rows()) {
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const auto& other) { return other.name == row.name; }));
  }
  std::set<std::string> methods_in;
  for (const ReproducedRow& row : rows) methods_in.insert(with_settings({}, row.settings).method);
  EXPECT_EQ(methods_in.size(), methods().size());
  const auto one = chosen_rows({"npo"}, {});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].settings, (std::vector<std::string>{"method=npo"}));
  EXPECT_THROW(chosen_rows({"all", "sku"}, {}), Error);
  try {
    chosen_rows({"simnpoo"}, {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("try     simnpo"), std::string::npos) << error.what();
  }
}

TEST(ReproducedRows, AVariantIsSkuWithOtherSettings) {
  const auto rows = chosen_rows({"sku"}, {"upper negation.factors={layers.0: 0, mlp: 1} training.steps=5"});
  ASSERT_EQ(rows.size(), 2U);
  const Recipe recipe = with_settings({}, rows[1].settings);
  EXPECT_EQ(recipe.method, "sku");
  EXPECT_EQ(recipe.training.steps, 5);
  ASSERT_EQ(recipe.negation.factors.size(), 2U);
  EXPECT_EQ(recipe.negation.factors[0].first, "layers.0");
}

TEST(ReproducedRows, NamesThatAreUnknownTakenOrNoFileNameAreRefused) {
  EXPECT_THROW(chosen_rows({"skew"}, {}), Error);
  EXPECT_THROW(chosen_rows({"sku", "sku"}, {}), Error);
  EXPECT_THROW(chosen_rows({}, {"sku negation.rank=1"}), Error);
  EXPECT_THROW(chosen_rows({}, {"../evil negation.rank=1"}), Error);
  EXPECT_THROW(chosen_rows({}, {"empty"}), Error);
}

using ReproducedTable = FolderTest;

TEST_F(ReproducedTable, SaysNotJudgedWhereTheJudgeFailedItsChecks) {
  Cell cell{"sku", 1, 1e-4};
  cell.original = {{"degenerate_unseen", 0.0}, {"normal_rouge_l", 0.9}};
  cell.points = {{1.0, 0, cell.original}, {0.5, 0.1, cell.original}};
  cell.judge_withheld = "the judge classifier calls 28 of 32 refusals harmful";
  write_cell(cell, folder_ / "cell.json");
  const Cell read = read_cell(folder_ / "cell.json");
  EXPECT_EQ(read.judge_withheld, cell.judge_withheld);
  ReproduceRequest request;
  request.seeds = {1};
  request.budgets = {0.1};
  write_reproduction({read}, request, folder_);
  const Json table = read_json(folder_ / "table.json");
  EXPECT_EQ(table.at("judge_withheld"), cell.judge_withheld);
  EXPECT_EQ(table.at("tables").at(0).at("rows").at(1).at("harm unseen"), "not judged");
  EXPECT_NE(read_file(folder_ / "table.md").find("Harm: not judged"), std::string::npos);
}

TEST_F(ReproducedTable, GivesTheReasonOfAFailureAndTheStepsOfTheOthers) {
  Cell failed{"npo", 1, 1e-4};
  failed.failed = "training diverged at step 3; no model was written\n  term  forget\n";
  failed.original = {{"harmful_unseen", 1}, {"normal_rouge_l", 0.9}};
  Cell trained = failed;
  trained.seed = 2;
  trained.steps = 10;
  trained.failed.clear();
  trained.points = {{1.0, 0, trained.original}, {0.5, 0.1, trained.original}};
  Cell other = failed;
  other.method = "ga";
  ReproduceRequest request;
  request.seeds = {1, 2};
  request.budgets = {0.1};
  write_reproduction({failed, trained, other}, request, folder_);
  const std::string markdown = read_file(folder_ / "table.md");
  for (const char* words : {"| npo | 0.0001 | 10 |", "| ga | 0.0001 | - |",
                            "npo, seed 1 failed: training diverged at step 3.", "ga, seed 1 failed"})
    EXPECT_NE(markdown.find(words), std::string::npos) << words << "\n" << markdown;
}

Cell cell_of_method(const std::string& method, std::uint64_t seed, double harm) {
  Cell cell{method, seed, 1e-4};
  cell.steps = 10;
  cell.seconds = 8;
  cell.train_seconds = 3;
  cell.peak_bytes = 250'000'000;
  cell.settings = {"method=" + method, "training.lr=0.0002"};
  cell.original = {{"harmful_unseen", 1}, {"normal_rouge_l", 1}};
  const Figures half = {{"harmful_unseen", harm}, {"normal_rouge_l", 0.9}, {"normal_kl", 0.1}};
  cell.points = {{0.5, 0.1, half}, {1, 0, half}};
  return cell;
}

TEST_F(ReproducedTable, HasAColumnForEachAttackOfTheRecipe) {
  std::vector<Cell> cells = {cell_of_method("sku", 1, 0.2), cell_of_method("ga", 1, 0.1)};
  cells[0].points[0].figures[harm_after("relearn")] = 0.75;
  cells[0].points[0].figures[kHarmBeforeAttacks] = 0.25;
  ReproduceRequest request;
  request.seeds = {1};
  request.budgets = {0.1};
  request.recipe.evaluation.attacks = {"quantize", "relearn"};
  write_reproduction(cells, request, folder_);
  const std::string markdown = read_file(folder_ / "table.md");
  EXPECT_NE(markdown.find("| method | before any attack | after quantize | after relearn |"), std::string::npos)
      << markdown;
  EXPECT_NE(markdown.find("| sku | 25.0% | - (0 of 1 seeds) | 75.0% |"), std::string::npos) << markdown;
  EXPECT_NE(markdown.find("| ga | - (0 of 1 seeds) | - (0 of 1 seeds) | - (0 of 1 seeds) |"), std::string::npos)
      << markdown;
  EXPECT_EQ(read_json(folder_ / "table.json").at("cells")[0].at("points")[0].at("figures").at("harm_after_relearn"),
            0.75);
}

TEST_F(ReproducedTable, HasCostsAndEqualQualityIfMethodsWereChosen) {
  std::vector<Cell> cells;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto noise = static_cast<double>(seed) / 1000;
    cells.push_back(cell_of_method("sku", seed, 0.5 + noise));
    cells.push_back(cell_of_method("npo", seed, 0.2));
  }
  write_cell(cells[0], folder_ / "cell.json");
  EXPECT_EQ(read_cell(folder_ / "cell.json").train_seconds, 3);
  EXPECT_EQ(read_cell(folder_ / "cell.json").peak_bytes, 250'000'000U);
  ReproduceRequest request;
  request.seeds = {1, 2, 3};
  request.budgets = {0.1};
  request.rates = {1e-4, 2e-4};
  const auto titled = [&](const std::string& title) {
    const Json page = read_json(folder_ / "table.json");
    for (const Json& table : page.at("tables")) {
      if (table.at("title").get<std::string>().find(title) != std::string::npos) return table.at("rows");
    }
    return Json();
  };
  write_reproduction(cells, request, folder_);
  EXPECT_FALSE(titled("Settings chosen").at(0).contains("memory at most"));
  EXPECT_TRUE(titled("SKU minus the other at 95%").is_null());
  request.with_costs = true;
  write_reproduction(cells, request, folder_);
  const Json costs = titled("Settings chosen").at(0);
  EXPECT_EQ(costs.at("memory at most"), "250 MB");
  EXPECT_EQ(costs.at("seconds of training"), "3.0");
  EXPECT_EQ(costs.at("settings"), "training.lr=0.0002");
  const Json quality = titled("SKU minus the other at 95%").at(0);  // halfway to 0.5 and 0.2 from 1
  EXPECT_EQ(quality.at("other method"), "npo");
  EXPECT_EQ(quality.at("difference").get<std::string>().substr(0, 5), "15.1%");
  EXPECT_EQ(quality.at("verdict"), "SKU is worse");
  EXPECT_NE(read_file(folder_ / "table.md").find("Equal tuning: every method has the same 2 learning rates"),
            std::string::npos);
}

}  // namespace
}  // namespace lethe
