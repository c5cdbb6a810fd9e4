// Constraints, dominated points, and interpolating figures on a curve.
#include <gtest/gtest.h>

#include "core/error.h"
#include "evaluation/constraints.h"
#include "experiments/cells.h"

namespace lethe {
namespace {

TEST(Constraints, AreAbsoluteOrTimesTheOriginals) {
  const Figures original = {{"normal_perplexity", 10}}, found = {{"normal_perplexity", 10.4}, {"harmful_seen", 0.2}};
  EXPECT_TRUE(Constraint("normal_perplexity<=1.05x").holds(found, original));
  EXPECT_FALSE(Constraint("normal_perplexity<=1.03x").holds(found, original));
  EXPECT_TRUE(Constraint("harmful_seen<=0.2").holds(found, original));
  EXPECT_FALSE(Constraint("normal_rouge_l>=0.1").holds(found, original));  // not measured: not kept
  EXPECT_EQ(parse_constraints("harmful_seen<=0.2,normal_kl<=0.3").size(), 2U);
  for (const char* text : {"harm<=1", "harmful_seen<1", "harmful_seen<=", "harmful_seen"})
    EXPECT_THROW(Constraint{text}, Error) << text;
}

TEST(Dominated, IsWhatAnotherPointBeatsInBothFigures) {
  const std::vector<Figures> points = {{{"harmful_unseen", 0.5}, {"normal_kl", 0.1}},
                                       {{"harmful_unseen", 0.4}, {"normal_kl", 0.1}},
                                       {{"harmful_unseen", 0.1}, {"normal_kl", 0.9}}};
  EXPECT_EQ(dominated(points, "harmful_unseen", "normal_kl"), (std::vector<bool>{true, false, false}));
}

TEST(Cells, InterpolateTheHarmWhereACurveReachesAQuality) {
  Cell cell;
  cell.original = {{"harmful_unseen", 0.8}, {"normal_rouge_l", 1.0}};
  cell.points = {{1.0, 0, {{"harmful_unseen", 0.0}, {"normal_rouge_l", 0.5}}},
                 {0.5, 0, {{"harmful_unseen", 0.4}, {"normal_rouge_l", 0.9}}}};
  EXPECT_NEAR(figure_where(cell, "harmful_unseen", "normal_rouge_l", 0.95).value(), 0.6, 1e-12);
  EXPECT_FALSE(figure_where(cell, "harmful_unseen", "normal_rouge_l", 0.2).has_value());
  const auto path = std::filesystem::path(testing::TempDir()) / "lethe_cell.json";
  write_cell(cell, path);
  EXPECT_EQ(read_cell(path).points[1].figures, cell.points[1].figures);
}

}  // namespace
}  // namespace lethe
