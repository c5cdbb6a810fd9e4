// The grid of a sweep, and which of its points are best, dominated or not allowed.
#include <gtest/gtest.h>

#include "core/error.h"
#include "experiments/sweep_grid.h"
#include "experiments/sweep_points.h"

namespace lethe {
namespace {

TEST(Grid, IsEveryCombinationTheLastKeyFastest) {
  Recipe base;
  base.training.steps = 7;
  const std::vector<Variant> grid =
      grid_of({"sku.eps_pd=0,0.5", "lora.targets=[q_proj,v_proj],all-linear", "training.lr=1e-4"}, base);
  ASSERT_EQ(grid.size(), 4U);
  EXPECT_EQ(grid[0].label(), "sku.eps_pd=0 lora.targets=[q_proj,v_proj] training.lr=1e-4");
  EXPECT_EQ(grid[1].recipe.lora.targets.pattern, "all-linear");
  EXPECT_EQ(grid[2].recipe.sku.eps_pd, 0.5);
  EXPECT_EQ(grid[2].recipe.lora.targets.suffixes, (std::vector<std::string>{"q_proj", "v_proj"}));
  EXPECT_EQ(grid[3].recipe.training.lr, 1e-4);
  EXPECT_EQ(grid[3].recipe.training.steps, 7);  // what is not swept stays
  EXPECT_EQ(grid_of({}, base).at(0).recipe, base);
}

TEST(Grid, RefusesWhatWouldNotBeAComparison) {
  for (const char* over : {"seed=1,2", "data.max_length=8,9", "evaluation.prompts=1,2", "model=a,b", "out=a,b",
                           "threads=1", "negation.alpha=0.1,1", "negation.kl_budget=0.1", "sku.eps=1", "sku.eps_pd",
                           "sku.eps_pd=", "=1", "sku.eps_pd=-1", "training.steps=1,many"}) {
    try {
      grid_of({over}, {});
      ADD_FAILURE() << over;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << over;
    }
  }
  EXPECT_THROW(grid_of({"sku.eps_pd=1", "sku.eps_pd=2"}, {}), Error);
  std::string many = "training.steps=1";
  for (int i = 2; i <= 40; ++i) many += "," + std::to_string(i);
  EXPECT_EQ(grid_of({many}, {}).size(), 40U);
  EXPECT_THROW(grid_of({many, "sku.k=" + many.substr(15)}, {}), Error);  // 1,600 trainings
}

SweepPoint point(double alpha, double harmful, double broken, double kl, double rouge) {
  SweepPoint made;
  made.alpha = alpha;
  made.figures = {{"harmful_seen", harmful},     {"harmful_unseen", harmful}, {"degenerate_seen", broken},
                  {"degenerate_unseen", broken}, {"normal_kl", kl},           {"normal_rouge_l", rouge},
                  {"normal_perplexity", 10 + kl}};
  return made;
}

SweepResult assessed(const std::string& keep) {
  SweepResult result{"t", "validation", keep, true};
  result.original = {{"harmful_seen", 1}, {"harmful_unseen", 1}, {"normal_rouge_l", 1}, {"normal_perplexity", 10}};
  result.points = {point(0.2, 0.8, 0.0, 0.1, 0.99), point(0.4, 0.5, 0.0, 0.3, 0.95), point(0.6, 0.6, 0.0, 0.2, 0.90),
                   point(1.0, 0.0, 0.9, 2.0, 0.10)};
  result.points.emplace_back();
  result.points.back().failed = "diverged";
  assess(result);
  return result;
}

TEST(Sweep, NamesNoBestPointWhereHarmIsNotJudged) {
  SweepResult result{"t", "validation", "", true};
  result.judge_withheld = "the judge classifier calls 28 of 32 refusals harmful";
  result.original = {{"degenerate_unseen", 0}, {"normal_rouge_l", 1}};
  for (const double alpha : {0.5, 1.0}) {
    result.points.push_back(point(alpha, 0, 0.1, alpha, 1));
    std::erase_if(result.points.back().figures, [](const auto& figure) { return figure.first.starts_with("harmful"); });
  }
  assess(result);
  EXPECT_FALSE(result.best);
  EXPECT_FALSE(result.points[0].figures.contains("harm"));
  const Table table = sweep_table(result);
  const auto harm = std::find(table.columns.begin(), table.columns.end(), "harm unseen") - table.columns.begin();
  EXPECT_EQ(table.rows[1].at(static_cast<std::size_t>(harm)), "not judged");
  EXPECT_EQ(sweep_page(result).verdict->level, VerdictLevel::none);
}

TEST(Sweep, ABrokenModelIsNotTheBest) {
  const SweepResult result = assessed("");
  EXPECT_NEAR(result.points[3].figures.at("harm"), 0.9, 1e-12);
  EXPECT_EQ(result.best, 1U);
  EXPECT_TRUE(result.points[3].dominated);             // harm 0.9 at 2 nats: 0.8 cost 0.1
  EXPECT_FALSE(result.points[2].dominated);            // less KL than the best …
  EXPECT_TRUE(result.points[2].dominated_in_quality);  // … but worse answers
}

TEST(Sweep, TheBestKeepsWhatMustBeKept) {
  EXPECT_EQ(assessed("normal_kl<=0.25").best, 2U);
  EXPECT_EQ(assessed("normal_perplexity<=1.01x").best, 0U);
  EXPECT_FALSE(assessed("normal_kl<=0.01").best.has_value());
  EXPECT_EQ(to_json(assessed("normal_kl<=0.25").points[1]).at("allowed"), false);
}

TEST(Sweep, TheTableAndThePageShowTheStateOfEachPoint) {
  const SweepResult result = assessed("normal_kl<=0.25");
  std::vector<std::string> marks;
  for (const auto& row : sweep_table(result).rows) marks.push_back(row.back());
  EXPECT_EQ(marks,
            (std::vector<std::string>{"", "", "outside --keep", "<- best", "outside --keep", "failed: diverged"}));
  const Page page = sweep_page(result);
  ASSERT_EQ(page.plots.size(), 2U);
  EXPECT_EQ(page.warnings.size(), 1U);
  const std::string html = html_page(page);
  EXPECT_NE(html.find("dominated: another point is better"), std::string::npos);
  EXPECT_NE(html.find("class=\"chosen\""), std::string::npos);
}

TEST(Sweep, ManySettingsAreOneCloudWithItsBestTradeOffs) {
  SweepResult result = assessed("");
  for (std::size_t i = 0; i < result.points.size(); ++i)
    result.points[i].settings = {{"training.steps", std::to_string(i)}};
  const Plot plot = sweep_page(result).plots[0];
  ASSERT_EQ(plot.series.size(), 2U);
  EXPECT_EQ(plot.series[0].points.size(), 4U);  // the original and three that are not dominated
  EXPECT_EQ(plot.series[1].points.size(), 1U);
  EXPECT_FALSE(plot.series[1].line);
}

}  // namespace
}  // namespace lethe
