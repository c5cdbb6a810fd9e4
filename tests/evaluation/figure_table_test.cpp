// The table of figures: every row is whole, and results.json, --keep, tables, paired tests and documents have it.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "evaluation/constraints.h"
#include "evaluation/differences.h"
#include "evaluation/figure_tables.h"
#include "evaluation/figures.h"
#include "evaluation/verdict.h"

namespace lethe {
namespace {

const Perplexity kShort{4, 2}, kLong{10, 20};  // 2 and 0.5 nats a token; 14 / 22 together, not the mean 1.25

SetResult answered(std::size_t harmful, std::size_t broken) {
  SetResult set;
  for (std::size_t i = 0; i < 4; ++i) {
    JudgedAnswer answer{"p" + std::to_string(i), "r"};
    answer.verdicts = {{i < harmful ? 0.9 : 0.1, "", ""}, {0.1, "", ""}};
    if (i >= harmful && i < harmful + broken) answer.degeneracy = Degeneracy::repeating;
    set.answers.push_back(answer);
  }
  set.judged = {judged_share(set.answers, 0), judged_share(set.answers, 1)};
  set.harmful = set.judged[0].harmful;
  set.degenerate = proportion(broken, 4);
  set.refusing = proportion(1, 4);
  set.unlikely = proportion(1, 4);
  set.ended = proportion(4, 4);
  set.references_by_prompt = {kShort, kLong};
  set.references = {14, 22};
  set.references_interval = {1.1, 3.2};
  return set;
}

// A model of which everything was measured.
ModelResult whole_result() {
  ModelResult result;
  result.seen = answered(2, 1);
  result.unseen = answered(1, 1);
  for (SetResult* set : {&result.other, &result.normal, &result.safe, &result.contrast}) *set = answered(0, 0);
  std::vector<AnswerScores> each(4);
  for (AnswerScores& scores : each) scores.learned = {0.5, 0.25};
  for (std::size_t i = 0; i < each.size(); ++i) result.normal.answers[i].scores = each[i];
  result.normal.scores = mean_scores(each, 1);
  result.normal.correct = proportion(3, 4);
  result.letters = {proportion(1, 2), {}, 0.25, {true, false}, {}};
  result.truthful = {proportion(1, 2), {0.5, 0.1, 2}, 0.5, {true, false}, {0.4, 0.6}};
  result.text = TextPerplexity{{14, 22}, 0, {kShort, kLong}};
  result.kl_train = result.kl_test = 0.1;
  return result;
}

Comparison two_models() {
  Comparison comparison;
  comparison.judges = {{"a", "judge a"}, {"b", "judge b"}};
  comparison.original = whole_result();
  comparison.unlearned = whole_result();
  return comparison;
}

std::vector<std::string> row_names(const Table& table) {
  std::vector<std::string> names;
  for (const auto& row : table.rows) names.push_back(row.at(0));
  return names;
}

TEST(FigureTable, EveryRowIsWhole) {
  std::set<std::string> names, titles;
  std::set<int> places;
  const std::set<std::string> units = {"share", "nats a token", "perplexity", "score"};
  for (const Figure& figure : figures()) {
    EXPECT_TRUE(names.insert(figure.name).second) << figure.name;
    EXPECT_TRUE(titles.insert(figure.title).second) << figure.name << ": " << figure.title;
    EXPECT_TRUE(units.contains(figure.unit)) << figure.name;
    EXPECT_NE(figure.better, Better::unset) << figure.name;
    EXPECT_NE(figure.measure == nullptr, figure.derive == nullptr) << figure.name;
    EXPECT_EQ(figure.cases != nullptr, figure.test != PairedTest::none) << figure.name;
    EXPECT_EQ(figure.test == PairedTest::mcnemar, figure.test != PairedTest::none && figure.is_share()) << figure.name;
    EXPECT_TRUE(figure.damage == Damage::none || (figure.cases != nullptr && !figure.words.empty())) << figure.name;
    if (figure.column.place == 0) continue;
    EXPECT_TRUE(places.insert(figure.column.place).second) << figure.name;
    EXPECT_FALSE(figure.column.title.empty()) << figure.name;
  }
}

TEST(FigureTable, EveryFigureIsInResultsJsonInKeepAndInTheReference) {
  const ModelResult result = whole_result();
  const Figures values = figures_of(result);
  const OrderedJson json = to_json(result, {"a", "b"}).at("figures");
  const auto page = std::filesystem::path(LETHE_FIXTURES).parent_path().parent_path() / "docs/reference/metrics.md";
  const std::string reference = read_file(page);
  for (const Figure& figure : figures()) {
    EXPECT_TRUE(values.contains(figure.name)) << figure.name;
    EXPECT_TRUE(json.contains(figure.name)) << figure.name;
    EXPECT_NO_THROW(Constraint(figure.name + "<=1")) << figure.name;
    EXPECT_NE(reference.find("`" + figure.name + "`"), std::string::npos) << figure.name << " is not in " << page;
  }
  EXPECT_EQ(values.size(), figures().size());
}

TEST(FigureTable, KeepsTheNamesThatKeepAlwaysHad) {
  for (const char* name :
       {"harmful_seen",      "harmful_unseen",    "harmful_other",  "degenerate_seen",        "degenerate_unseen",
        "degenerate_other",  "degenerate_normal", "unlikely_seen",  "unlikely_unseen",        "unlikely_other",
        "unlikely_normal",   "refusing_unseen",   "refusing_safe",  "refusing_contrast",      "normal_perplexity",
        "normal_rouge_1",    "normal_rouge_2",    "normal_rouge_l", "normal_rouge_l_stemmed", "normal_bleu",
        "normal_distinct_2", "normal_correct",    "choices_right",  "truthful_mc1",           "truthful_mc2",
        "text_perplexity",   "nll_seen",          "normal_kl",      "normal_kl_train",        "normal_bleurt",
        "normal_similarity", "refusing_normal"})
    EXPECT_NO_THROW(Constraint(std::string(name) + ">=0.5x")) << name;
}

TEST(FigureTable, DirectionsFollowFromWhatForgettingIsFor) {
  for (const char* name :
       {"harmful_unseen", "degenerate_normal", "harm_or_broken_unseen", "refusing_safe", "refusing_normal",
        "normal_perplexity", "normal_nll", "normal_kl", "text_nll", "unlikely_seen"})
    EXPECT_TRUE(smaller_is_better(name)) << name;
  for (const char* name : {"nll_seen", "normal_rouge_l", "normal_rouge_l_stemmed", "normal_bleu", "normal_correct",
                           "normal_distinct_2", "refusing_contrast", "choices_right", "truthful_mc2"})
    EXPECT_FALSE(smaller_is_better(name)) << name;
}

TEST(HarmOrBroken, OfTablesIsOfUnseenPromptsAndOfChoicesTheMeanOfSeenAndUnseen) {
  const Figures values = figures_of(whole_result());
  EXPECT_NEAR(values.at("harm_or_broken_unseen"), 0.5, 1e-12);
  EXPECT_NEAR(values.at("harm_or_broken_seen_unseen"), (0.75 + 0.5) / 2, 1e-12);
  EXPECT_EQ(harm_to_choose_by(values), values.at("harm_or_broken_seen_unseen"));
  // Files of older versions lack them.
  const Figures old = {{"harmful_unseen", 0.25}, {"degenerate_unseen", 0.5}};
  EXPECT_NEAR(value_in(old, "harm_or_broken_unseen").value(), 0.75, 1e-12);
  EXPECT_NEAR(harm_to_choose_by(old), 0.75, 1e-12);
  EXPECT_TRUE(Constraint("harm_or_broken_unseen<=0.8").holds(old, {}));
  EXPECT_FALSE(value_in({{"degenerate_unseen", 0.5}}, "harm_or_broken_unseen"));
}

TEST(Differences, AreOfTheFiguresThemselvesAlsoWhereAnswersDifferInLength) {
  ModelResult before = whole_result(), after = whole_result();
  after.normal.references_by_prompt = {{8, 2}, {10, 20}};  // 2 nats a token more on the short answer
  after.normal.references = {18, 22};
  const Figures first = figures_of(before), second = figures_of(after);
  for (const Difference& one : differences_of(before, after, 1)) {
    if (!second.contains(one.figure) || one.test == "McNemar" || one.figure == "normal_rouge_l") continue;
    if (one.figure == "normal_bleurt" || one.figure == "normal_similarity") continue;
    EXPECT_NEAR(one.before, first.at(one.figure), 1e-12) << one.figure;
    EXPECT_NEAR(one.after, second.at(one.figure), 1e-12) << one.figure;
    if (one.figure != "normal_nll") continue;
    EXPECT_NEAR(one.after - one.before, 4.0 / 22, 1e-12);
    EXPECT_NEAR(std::exp(one.after - one.before), second.at("normal_perplexity") / first.at("normal_perplexity"),
                1e-12);
  }
}

TEST(Differences, TheIntervalOfAMeanOverTokensIsThatOfARatioOfSums) {
  ModelResult before, after;
  before.normal.references_by_prompt = {{10, 10}, {20, 20}, {30, 30}};
  after.normal.references_by_prompt = {{20, 10}, {40, 20}, {60, 30}};  // a nat a token more, whatever the length
  const auto differences = differences_of(before, after, 1);
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_NEAR(differences[0].after - differences[0].before, 1.0, 1e-12);
  EXPECT_NEAR(differences[0].half_width, 0.0, 1e-9);
  EXPECT_NEAR(differences[0].p, 2.0 / 8, 1e-12);
}

TEST(Differences, TheIntervalOfAMeanOverTokensCountsUnequalChanges) {
  ModelResult before, after;
  before.normal.references_by_prompt = {{10, 10}, {20, 20}, {30, 30}};
  after.normal.references_by_prompt = {{15, 10}, {60, 20}, {30, 30}};  // 0.5, 2 and 0 nats a token more
  const auto differences = differences_of(before, after, 1);
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_NEAR(differences[0].after - differences[0].before, 45.0 / 60, 1e-12);  // over tokens, not over prompts
  // Linearised: parts of each prompt, tokens · (its change − the mean change) = −2.5, 25, −22.5; their sample standard
  // deviation is 23.8485; Student's t with 2 degrees of freedom is 4.302653; divided by √3 and the mean length of 20.
  const double deviation = std::sqrt((2.5 * 2.5 + 25.0 * 25.0 + 22.5 * 22.5) / 2);
  EXPECT_NEAR(differences[0].half_width, 4.302653 * deviation / std::sqrt(3.0) / 20, 1e-4);
}

TEST(ComparisonTable, HasItsRowsInOrder) {
  const Comparison comparison = two_models();
  EXPECT_EQ(row_names(comparison_table(comparison)),
            (std::vector<std::string>{"harmful answers, prompts seen",
                                      "harmful answers, prompts unseen",
                                      "harmful answers, prompts of another source",
                                      "harmful answers, prompts seen, by b",
                                      "harmful answers, prompts unseen, by b",
                                      "harmful answers, prompts of another source, by b",
                                      "broken answers, prompts seen",
                                      "broken answers, prompts unseen",
                                      "broken answers, prompts of another source",
                                      "broken answers, normal prompts",
                                      "NLL of harmful answers seen",
                                      "normal perplexity",
                                      "normal ROUGE-L",
                                      "normal BLEURT",
                                      "normal similarity of sentences",
                                      "normal answers right",
                                      "normal answers that end by themselves",
                                      "KL from the original, normal trained on",
                                      "KL from the original, normal held out",
                                      "refusals, normal prompts",
                                      "refusals, safe prompts that look unsafe",
                                      "refusals, their unsafe counterparts",
                                      "multiple choice right (chance 25.0%)",
                                      "TruthfulQA MC1 (chance 50.0%)",
                                      "TruthfulQA MC2",
                                      "perplexity of text"}));
  const Table answers = answers_table(comparison);
  EXPECT_EQ(row_names(answers).at(1), "normal ROUGE-1, stemmed");
  EXPECT_EQ(row_names(answers).at(6), "normal BLEU");
  EXPECT_EQ(row_names(answers).at(7), "distinct-1 / 2 / 3, prompts seen");
  EXPECT_EQ(row_names(answers).at(8), "unlikely under the original, prompts seen");
  EXPECT_EQ(answers.rows.size(), 15U);
}

TEST(ComparisonTable, LeavesOutSetsThatWereNotGivenAndPrintsADashForTheRest) {
  Comparison comparison;
  comparison.judges = {{"a", "judge a"}};
  const Table table = comparison_table(comparison);
  EXPECT_EQ(table.rows.size(), 11U);
  EXPECT_EQ(table.columns, (std::vector<std::string>{"", "model"}));
  for (const auto& row : table.rows) EXPECT_EQ(row.at(1), "-") << row.at(0);
  EXPECT_TRUE(answers_table(comparison).rows.empty());
}

TEST(ComparisonTable, PrintsSharesInPercentOthersWithTheirDigits) {
  const Figure &rate = figure_named("harmful_seen"), &perplexity = figure_named("normal_perplexity"),
               &rouge = figure_named("normal_rouge_l");
  EXPECT_EQ(text_of(rate, measured_share(proportion(1, 4))), "25.0% (5–70)");
  EXPECT_EQ(text_of(perplexity, Measured{1.886, Interval{1.1, 3.2}}), "1.89 (1.10–3.20)");
  EXPECT_EQ(text_of(perplexity, Measured{1.886, Interval{0, 0}}), "1.89");  // one case has no interval
  EXPECT_EQ(text_of(rouge, Measured{0.5, std::nullopt, 0.1}), "0.500 ±0.100");
  EXPECT_EQ(text_of(rouge, std::nullopt), "-");
}

TEST(RunVerdict, NamesTheFactorOfThePerplexitiesInTheTable) {
  ModelResult before = whole_result(), after = whole_result();
  before.normal.references_by_prompt.clear();
  for (int i = 0; i < 10; ++i) {  // long answers lose 0.5 nats a token, short ones 5
    before.normal.references_by_prompt.push_back({i < 8 ? 100.0 : 1.0, i < 8 ? 100 : 1});
    after.normal.references_by_prompt.resize(i + 1);
    after.normal.references_by_prompt[i] = {i < 8 ? 150.0 : 6.0, i < 8 ? 100 : 1};
  }
  Comparison comparison;
  comparison.judges = {{"a", "judge a"}};
  comparison.original = before;
  comparison.unlearned = after;
  const std::string factor = fixed(std::exp(410.0 / 802), 2);
  const RunVerdict verdict = verdict_of(comparison, {});
  EXPECT_TRUE(std::any_of(verdict.reasons.begin(), verdict.reasons.end(), [&](const std::string& reason) {
    return reason == "perplexity of normal answers grew by a factor of " + factor;
  })) << to_text(verdict);
}

}  // namespace
}  // namespace lethe
