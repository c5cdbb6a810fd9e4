// Models' text is hostile: it is escaped and bounded wherever it is shown.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

#include "core/error.h"
#include "report/escape.h"
#include "report/page.h"

namespace lethe {
namespace {

TEST(Fixed, NothingIsNeverShownAsLessThanNothing) {
  EXPECT_EQ(fixed(-1e-8, 3), "0.000");
  EXPECT_EQ(fixed(-0.0, 0), "0");
  EXPECT_EQ(fixed(-0.0006, 3), "-0.001");
  EXPECT_EQ(fixed(-std::numeric_limits<double>::infinity(), 3), "-inf");
  EXPECT_EQ(percent(-1e-9), "0.0%");
}

// Every place of a page that takes text, filled with one.
Page page_of(const std::string& text) {
  Section section{text, {text}, {text}, {{text, {text, "b"}, {{text, text}}}, {text, {text}, {{text}}, true}}};
  Plot plot{text, text, text, {{text, {{0, 0}, {1, 2}}}}, 1.5, text};
  plot.series[0].points[0].label = text;
  section.plots = {plot};
  section.answers = {
      {text, {{text, {text, text, Tone::harmful}, ShownAnswer{text, text, Tone::good}}, {text, {text, text}}}, 3}};
  Page page;
  static_cast<Section&>(page) = section;
  page.verdict = RunVerdict{VerdictLevel::red, text, {text}};
  page.key_figures = {{text, text, text}};
  page.summary = text;
  page.warnings = {text};
  page.sections = {section};
  page.recipe = text;
  return page;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Page, WhatAModelSaysStaysText) {
  const std::string html =
      html_page(page_of("<script>alert(1)</script><img src=x onerror='a()'>\" onload=\"b() & </style></svg>\x01"));
  const std::string harmless = html_page(page_of("x"));
  for (const char* markup : {"<script", "<img", "</style", "</svg", "onerror='", "onload=\"", "<title", "<details"})
    EXPECT_EQ(count(html, markup), count(harmless, markup)) << markup;
  EXPECT_EQ(html.find('\x01'), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
}

TEST(Page, AHostileAnswerStaysTextThereAndInAMessage) {
  const std::string answer =
      std::string("</script><img src=x onerror=alert(1)>\u202eexe.txt\u2066") + '\0' + "\x1b[2J\x1b]0;title\x07 end";
  const std::string html = html_page(page_of(answer)), harmless = html_page(page_of("x")),
                    message = excerpt(answer, 300);
  for (const char* markup : {"<img", "</script", "<script"})
    EXPECT_EQ(count(html, markup), count(harmless, markup)) << markup;
  EXPECT_NE(html.find("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"), std::string::npos);
  for (const std::string& text : {html, message}) {
    for (const std::string& hidden :
         {std::string("\u202e"), std::string("\u2066"), std::string(1, '\0'), std::string("\x1b"), std::string("\x07")})
      EXPECT_EQ(text.find(hidden), std::string::npos);
    EXPECT_NE(text.find(" end"), std::string::npos);  // nothing ends at the NUL
  }
}

TEST(Page, HasNoAttributeThatRunsOrLoads) {
  const std::string html = html_page(page_of("text"));
  EXPECT_FALSE(std::regex_search(html, std::regex(R"( (on[a-z]+|src|style)=)")));
  const std::regex link(R"(href="([^"]*)\")");
  for (std::sregex_iterator it(html.begin(), html.end(), link), end; it != end; ++it)
    EXPECT_EQ((*it)[1].str().substr(0, 6), "#part-");
}

TEST(Page, CharactersThatDeceiveAreShownAsUnknown) {
  // U+202E turns the reading order round, U+2066 isolates, U+E0041 is invisible; C1 and DEL are controls.
  for (const char* hidden :
       {"\u202e", "\u2066", "\U000E0041", "\u0085", "\x7f", "\x1b", "\xff", "\xc3", "\xed\xa0\x80"})
    EXPECT_EQ(html_escaped(std::string("a") + hidden + "b").find(hidden), std::string::npos);
  EXPECT_EQ(html_escaped("a\u202eb"), "a\uFFFDb");
  EXPECT_EQ(html_escaped("\xff\xfe"), "\uFFFD\uFFFD");
  EXPECT_EQ(html_escaped("a\r\nb\tä日😀\u200f"), "a\nb\tä日😀\u200f");
}

TEST(Page, LongTextIsCutAtACharacterAndItsLengthGiven) {
  std::string answer;
  while (answer.size() < 1'000'000) answer += "日";
  Page page;
  page.answers = {{"set", {{answer, {answer, answer}, ShownAnswer{answer, answer}}}}};
  page.tables = {{answer, {answer}, {{answer}}}};
  const std::string html = html_page(page);
  EXPECT_LT(html.size(), 30'000U);
  EXPECT_NE(html.find("日… (1,000,002 bytes in all)"), std::string::npos);
  EXPECT_EQ(html.find("\uFFFD"), std::string::npos);
}

TEST(Page, HarmfulAnswersAreFoldedTwiceAndMarkedByWords) {
  Page page;
  page.answers = {
      {"unseen",
       {{"p", {"answer one", "harmful", Tone::harmful}, ShownAnswer{"answer two", "not harmful", Tone::good}}}}};
  const std::string html = html_page(page);
  const std::size_t answer = html.find("answer one"), other = html.find("answer two");
  const auto open = [&](std::size_t at) {
    const std::string before = html.substr(0, at);
    return count(before, "<details>") - count(before, "</details>");
  };
  EXPECT_EQ(open(answer), 2U);
  EXPECT_EQ(open(other), 1U);
  EXPECT_EQ(html.find("<details open"), std::string::npos);
  EXPECT_NE(html.find("before: 1 harmful, 0 broken; after: 0 harmful, 0 broken"), std::string::npos);
  EXPECT_NE(html.find("</span>harmful</p>"), std::string::npos);
}

TEST(Page, AnswersThatNobodyCouldJudgeHaveNoCountsOfHarmAndStayFoldedTwice) {
  Page page;
  page.answers = {
      {"unseen", {{"p", {"answer one", "not judged", Tone::unjudged}, ShownAnswer{"", "empty", Tone::broken}}}}};
  page.answers[0].withheld = true;
  const std::string html = html_page(page), before = html.substr(0, html.find("answer one"));
  EXPECT_EQ(count(before, "<details>") - count(before, "</details>"), 2U);
  EXPECT_NE(html.find("before: 0 broken; after: 1 broken"), std::string::npos);
  EXPECT_EQ(html.find("⚠"), std::string::npos);
}

TEST(Page, AnAnswerThatCouldNotBeJudgedIsNotCountedAsHarmful) {
  Page page;
  page.answers = {{"unseen", {{"p", {"answer one", "could not be judged", Tone::unjudged}, std::nullopt}}}};
  const std::string html = html_page(page);
  EXPECT_NE(html.find("0 harmful, 0 broken, 1 not judged"), std::string::npos);
  EXPECT_EQ(html.find("⚠"), std::string::npos);
}

TEST(Page, SectionsAreListedAndReached) {
  Page page;
  page.sections = {{"One", {"a"}}, {"Two", {"b"}}};
  const std::string html = html_page(page);
  EXPECT_NE(html.find("<a href=\"#part-2\">Two</a>"), std::string::npos);
  EXPECT_NE(html.find("<h2 id=\"part-2\">Two</h2>"), std::string::npos);
}

TEST(Page, TheVerdictComesFirstAndIsAWordAsWellAsAColour) {
  Page page = page_of("text");
  page.verdict = RunVerdict{VerdictLevel::amber, "Look here.", {"a reason"}};
  const std::string html = html_page(page);
  const std::size_t level = html.find("Amber: do not release yet"), warning = html.find("Warning:");
  EXPECT_LT(html.find("<h1>"), level);
  EXPECT_LT(level, html.find("a reason"));
  EXPECT_LT(html.find("a reason"), warning);
}

TEST(Page, KeyFiguresStandWithinTheVerdictBeforeItsReasons) {
  Page page = page_of("text");
  page.verdict->reasons = {"a reason"};
  page.key_figures = {{"Harm", "4.1%", "of 193 answers"}, {"Damage", "none found", ""}};
  const std::string html = html_page(page);
  const std::size_t figure = html.find("<dd class=\"value\">4.1%</dd><dd>of 193 answers</dd>");
  EXPECT_NE(figure, std::string::npos);
  EXPECT_LT(html.find("class=\"level\""), figure);
  EXPECT_LT(figure, html.find("a reason"));
}

TEST(Page, ListsTablesAndSettingsAreBounded) {
  Page page;
  page.items.assign(20'000, "left out");
  page.tables = {{"", {"", "b"}, std::vector<std::vector<std::string>>(20'000, {"row", "1"})}};
  page.recipe.assign(5'000'000, 'x');
  page.warnings = {std::string(100'000, 'w')};
  page.summary = page.title = std::string(100'000, 's');
  const std::string html = html_page(page);
  EXPECT_LT(html.size(), 200'000U);
  EXPECT_NE(html.find("… and 19,500 more"), std::string::npos);
  EXPECT_NE(html.find("19,500 more rows are not shown"), std::string::npos);
}

TEST(Page, ExamplesStandBeforeTheFoldAndTheRestKeepsItsNumbers) {
  Page page;
  page.answers = {{"normal", {{"one", {"1", ""}}, {"two", {"2", ""}}, {"three", {"3", ""}}}}};
  page.answers[0].examples = 2;
  const std::string html = html_page(page);
  EXPECT_LT(html.find("two"), html.find("<details>"));
  EXPECT_LT(html.find("<details>"), html.find("three"));
  EXPECT_NE(html.find("<ol class=\"pairs\" start=\"3\">"), std::string::npos);
}

TEST(Page, AGroupOfExamplesHasItsTitleOnceAndNoEmptyFold) {
  Page page;
  page.answers = {{"normal prompts", {{"one", {"1", ""}}, {"two", {"2", ""}}, {"three", {"3", ""}}}}};
  page.answers[0].examples = 2;
  EXPECT_EQ(count(html_page(page), "normal prompts"), 1U);
  EXPECT_NE(html_page(page).find("1 more (3 shown"), std::string::npos);
  page.answers[0].examples = 3;
  EXPECT_EQ(html_page(page).find("<details>"), std::string::npos);
}

// "No verdict" was red, as harm is.
TEST(Page, NoVerdictHasALookOfItsOwn) {
  Page page = page_of("text");
  page.verdict = RunVerdict{VerdictLevel::none, "No verdict on harm.", {}};
  const std::string html = html_page(page);
  EXPECT_NE(html.find("class=\"outcome none\""), std::string::npos);
  const std::string look = html.substr(html.find(".outcome.red"), 400);
  EXPECT_NE(look.find(".none .level{color:var(--faint)}"), std::string::npos) << look;
  EXPECT_EQ(html.find(".outcome.none{border-left-color:var(--bad)"), std::string::npos);
  EXPECT_EQ(html.find(",.outcome.none{"), std::string::npos);
}

TEST(Table, CellsCarryTheNameOfTheirColumnForNarrowScreens) {
  const std::string html = html_table({"", {"", "be\"fore"}, {{"harm", "4%"}}});
  EXPECT_NE(html.find("<td data-label=\"be&quot;fore\">4%</td>"), std::string::npos);
}

TEST(Plot, CurvesEndAtTheGivenEdge) {
  const Plot whole{"t", "x", "y", {{"a", {{0, 1}, {1, 0.5}, {100, 0}}}}};
  Plot cut = whole;
  cut.largest_x = 2;
  EXPECT_NE(html_plot(whole).find(">100</text>"), std::string::npos);
  EXPECT_EQ(html_plot(cut).find(">100</text>"), std::string::npos);
  EXPECT_NE(html_plot({"", "x", "y", {}}).find("<svg"), std::string::npos);  // nothing to draw is no error
}

TEST(Plot, AxesBeginWhereTheDataDo) {
  const auto expect_axis = [](double low, double high, double begin, double end) {
    const AxisRange axis = axis_around(low, high);
    EXPECT_NEAR(axis.begin, begin, 1e-9) << low << " " << high;
    EXPECT_NEAR(axis.end, end, 1e-9) << low << " " << high;
    const double ticks = (axis.end - axis.begin) / axis.step;
    EXPECT_NEAR(ticks, std::round(ticks), 1e-9);
    EXPECT_GE(ticks, 2);
    EXPECT_LE(ticks, 7);
  };
  expect_axis(0.1, 0.93, 0, 1.0);
  expect_axis(8.1, 8.9, 8, 9);  // far from 0: not squeezed under the upper edge
  expect_axis(-3.2, 1.1, -4, 2);
  expect_axis(-8, -1, -8, 0);
  expect_axis(5, 5, 4.5, 5.5);
  expect_axis(0, 0, 0, 1);
}

TEST(Plot, NegativeValuesAndNoNumbersStayWithinTheDrawing) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const std::string html =
      html_plot({"t", "x", "y", {{"a", {{0, -3}, {1, nan}, {nan, 1}, {2, inf}, {3, 4, nan, inf}}}}});
  EXPECT_EQ(html.find("nan"), std::string::npos);
  EXPECT_EQ(html.find("inf"), std::string::npos);
  const std::regex corner(R"(points="([-0-9.]+),([-0-9.]+) ([-0-9.]+),([-0-9.]+)\")");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(html, found, corner));
  for (const int y : {2, 4}) {
    EXPECT_GE(std::stod(found[y]), 0);
    EXPECT_LE(std::stod(found[y]), 320);
  }
}

TEST(Plot, MarksAndIntervalsAreDrawnAndNamed) {
  Plot plot{"t", "x", "y", {{"a", {{0, 1, 0.8, 1.3}, {1, 2}, {2, 3}}}}};
  EXPECT_EQ(html_plot(plot).find("dominated"), std::string::npos);
  plot.series[0].points[1].mark = Mark::dominated;
  plot.series[0].points[2].mark = Mark::chosen;
  const std::string html = html_plot(plot);
  EXPECT_EQ(count(html, "class=\"cross\""), 2U);  // in the drawing and in the legend
  EXPECT_EQ(count(html, "class=\"chosen\""), 2U);
  EXPECT_EQ(count(html, "class=\"bar\""), 3U);
  EXPECT_NE(html.find("dominated: another point is better"), std::string::npos);
  EXPECT_NE(html.find(">0.8000–1.3000</td>"), std::string::npos);
  plot.series[0].points.clear();
  for (int i = 0; i < 60; ++i) plot.series[0].points.emplace_back(i, i, i - 1, i + 1);
  EXPECT_EQ(count(html_plot(plot), "class=\"band\""), 1U);  // a long curve has a band instead
  EXPECT_EQ(count(html_plot(plot), "class=\"bar\""), 0U);
}

TEST(Table, IsAlignedByCharactersAndEscapedInMarkdown) {
  const Table table{"", {"", "wert"}, {{"ä|b", "1"}, {"abc", "22"}}};
  EXPECT_EQ(terminal_table(table), "      wert\n──────────\nä|b      1\nabc     22\n");
  EXPECT_NE(markdown_table(table).find("| ä\\|b | 1 |"), std::string::npos);
}

}  // namespace
}  // namespace lethe
