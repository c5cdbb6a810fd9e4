#include "experiments/reproduce.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "experiments/reproduce_table.h"
#include "folder_test.h"

namespace lethe {
namespace {

TEST(ReproducedRows, AreThePapersUnlessSomeAreNamed) {
  EXPECT_EQ(chosen_rows({}, {}).size(), 8U);
  const auto rows = chosen_rows({"sku", "ga"}, {});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].name, "ga");
  for (const ReproducedRow& row : paper_rows()) EXPECT_NO_THROW(with_settings({}, row.settings)) << row.name;
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

}  // namespace
}  // namespace lethe
