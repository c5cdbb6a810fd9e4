#include "experiments/reproduce.h"

#include <gtest/gtest.h>

#include "core/error.h"

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

}  // namespace
}  // namespace lethe
