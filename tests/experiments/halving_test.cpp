// Successive halving: its rounds, who goes on, and by what trials are compared.
#include "experiments/halving.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "core/error.h"
#include "experiments/search_time.h"

namespace lethe {
namespace {

TEST(Rounds, HalveTheTrialsAndDoubleTheSteps) {
  const std::vector<Rung> rungs = rungs_of(9, 3);
  ASSERT_EQ(rungs.size(), 3U);
  EXPECT_EQ(rungs[0].trials, 9U);
  EXPECT_EQ(rungs[1].trials, 5U);
  EXPECT_EQ(rungs[2].trials, 3U);
  EXPECT_EQ(steps_at(rungs[0], 100), 25);
  EXPECT_EQ(steps_at(rungs[1], 100), 50);
  EXPECT_EQ(steps_at(rungs[2], 100), 100);
  EXPECT_EQ(steps_at(rungs[0], 1), 1);
  EXPECT_EQ(rungs_of(2, 9).size(), 2U);  // one trial is left
  EXPECT_EQ(rungs_of(9, 1).size(), 1U);
  EXPECT_EQ(rungs_of(9, 1)[0].share, 1);
}

Cell cell_with(double harm, double kl, double broken = 0) {
  Cell cell;
  cell.original = {{"normal_perplexity", 10}, {"harmful_seen", 1}, {"harmful_unseen", 1}};
  cell.points = {{0.5,
                  0.1,
                  {{"harmful_seen", harm},
                   {"harmful_unseen", harm},
                   {"degenerate_seen", broken},
                   {"degenerate_unseen", broken},
                   {"normal_kl", kl},
                   {"normal_perplexity", 10 + kl}}}};
  return cell;
}

Cell failed_cell() {
  Cell cell;
  cell.failed = "diverged";
  return cell;
}

TEST(ChoiceOfTrials, PutsWhatMustBeKeptBeforeTheObjective) {
  const Choice choice("harm", "normal_kl<=0.2,normal_perplexity<=1.03x");
  EXPECT_TRUE(choice.allows(cell_with(0.5, 0.1)));
  EXPECT_FALSE(choice.allows(cell_with(0.1, 0.25)));
  EXPECT_FALSE(choice.allows(failed_cell()));
  EXPECT_TRUE(choice.better(cell_with(0.5, 0.1), cell_with(0.1, 0.25)));  // allowed
  EXPECT_TRUE(choice.better(cell_with(0.9, 0.25), cell_with(0.1, 0.4)));  // misses by less
  EXPECT_TRUE(choice.better(cell_with(0.4, 0.2), cell_with(0.5, 0.1)));   // less harm
  EXPECT_TRUE(choice.better(cell_with(0.4, 0.1), cell_with(0.4, 0.2)));   // less cost
  EXPECT_TRUE(choice.better(cell_with(1, 9), failed_cell()));
  EXPECT_FALSE(choice.better(failed_cell(), failed_cell()));
  EXPECT_TRUE(Choice().better(cell_with(0.3, 9), cell_with(0.1, 9, 0.8)));  // broken answers are no gain
}

TEST(ChoiceOfTrials, TakesAnyFigureAndKnowsItsDirection) {
  const Choice rouge("normal_rouge_l");
  Cell low = cell_with(0, 0), high = cell_with(1, 1);
  low.points[0].figures["normal_rouge_l"] = 0.2;
  high.points[0].figures["normal_rouge_l"] = 0.9;
  EXPECT_TRUE(rouge.better(high, low));
  EXPECT_TRUE(rouge.better(low, cell_with(0, 0)));  // measured
  EXPECT_FALSE(rouge.needs_judge());
  EXPECT_TRUE(Choice("normal_rouge_l", "harm_unseen<=0.1").needs_judge());
  EXPECT_TRUE(Choice("harm").needs_judge());
  try {
    Choice("harmful_unsen");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("harmful_unseen"), std::string::npos);
  }
}

TEST(Constraints, SayHowFarAFigureIsBeyondTheBound) {
  const Figures original = {{"normal_perplexity", 10}}, found = {{"normal_perplexity", 12}, {"normal_kl", 0.3}};
  EXPECT_NEAR(Constraint("normal_perplexity<=1.1x").missed_by(found, original), 1.0 / 11, 1e-12);
  EXPECT_EQ(Constraint("normal_perplexity<=1.2x").missed_by(found, original), 0);
  EXPECT_NEAR(Constraint("normal_kl<=0").missed_by(found, original), 0.3, 1e-12);
  EXPECT_NEAR(Constraint("normal_kl>=0.6").missed_by(found, original), 0.5, 1e-12);
  EXPECT_EQ(Constraint("harm_unseen<=0.1").missed_by(found, original), std::numeric_limits<double>::infinity());
  EXPECT_EQ(Constraint("harm_unseen<=0.1").figure(), "harmful_unseen");  // results.json's name of it
  try {
    Constraint("normal_perplexty<=2");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("try"), std::string::npos) << error.what();
  }
}

// Nine trials; the harm of each is its number / 10 in every round, except that trial 9 is best when it trains little.
SearchResult search_of_nine(std::vector<std::pair<std::size_t, std::size_t>>& measured, const Choice& choice) {
  return halve(std::vector<Variant>(9), rungs_of(9, 3), choice, [&](const Trial& trial, std::size_t round) {
    measured.emplace_back(trial.number, round);
    if (trial.number == 2) return failed_cell();
    return cell_with(trial.number == 9 && round == 0 ? 0 : static_cast<double>(trial.number) / 10, 0.1);
  });
}

TEST(Halving, TrainsTheBetterHalfOnAndNamesTheBestOfTheLastRound) {
  std::vector<std::pair<std::size_t, std::size_t>> measured;
  const SearchResult result = search_of_nine(measured, Choice());
  std::vector<std::size_t> second, third;
  for (const auto& [number, round] : measured) {
    if (round == 1) second.push_back(number);
    if (round == 2) third.push_back(number);
  }
  EXPECT_EQ(second, (std::vector<std::size_t>{1, 3, 4, 5, 9}));  // in the order of the trials
  EXPECT_EQ(third, (std::vector<std::size_t>{1, 3, 4}));
  EXPECT_EQ(measured.size(), 9U + 5U + 3U);
  ASSERT_TRUE(result.best);
  EXPECT_EQ(result.trials[*result.best].number, 1U);
  EXPECT_EQ(result.trials[0].cells.size(), 3U);
  EXPECT_EQ(result.trials[8].cells.size(), 2U);
  EXPECT_EQ(result.trials[1].cells.size(), 1U);
}

TEST(Halving, NamesNoBestTrialIfNoneKeepsWhatMustBeKept) {
  std::vector<std::pair<std::size_t, std::size_t>> measured;
  EXPECT_FALSE(search_of_nine(measured, Choice("harm", "normal_kl<=0.05")).best);
  EXPECT_EQ(measured.size(), 17U);
}

TEST(SearchTimes, ComeFromStepsAndFromTheRest) {
  SearchTime time;
  EXPECT_FALSE(time.known());
  time.add(failed_cell());
  EXPECT_FALSE(time.known());
  Cell cell;
  cell.steps = 10;
  cell.seconds = 5;
  cell.train_seconds = 2;
  time.add(cell);
  cell.steps = 30;
  cell.seconds = 9;
  cell.train_seconds = 6;
  time.add(cell);
  EXPECT_NEAR(time.of(100), 0.2 * 100 + 3, 1e-12);  // without the 3 s of evaluation, a step takes 0.2 s
}

}  // namespace
}  // namespace lethe
