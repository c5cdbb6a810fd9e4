// Text of models is hostile: it is escaped and bounded wherever it is shown.
#include <gtest/gtest.h>

#include "report/page.h"

namespace lethe {
namespace {

TEST(Page, WhatAModelSaysStaysText) {
  const std::string attack = "<script>alert(1)</script><img src=x onerror='a()'>\" & \x01";
  Page page;
  page.title = attack;
  page.summary = attack;
  page.notes = {attack};
  page.tables = {{attack, {attack, "b"}, {{attack, attack}}}};
  page.plots = {{attack, attack, attack, {{attack, {{0, 0}, {1, 2}}}}}};
  page.answers = {{attack, {{attack, attack, attack, attack, attack}}}};
  page.recipe = attack;
  const std::string html = html_page(page);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("<img"), std::string::npos);
  EXPECT_EQ(html.find('\x01'), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
}

TEST(Page, LongAnswersAreCutAtACharacter) {
  std::string answer;
  for (int i = 0; i < 1000; ++i) answer += "ä";
  Page page;
  page.answers = {{"set", {{"prompt", answer, "", "", ""}}}};
  const std::string html = html_page(page);
  EXPECT_LT(html.size(), 6000U);
  EXPECT_NE(html.find("ä…"), std::string::npos);
}

TEST(Plot, CurvesEndAtTheEdgeThatWasAskedFor) {
  const Plot whole{"t", "x", "y", {{"a", {{0, 1}, {1, 0.5}, {100, 0}}}}};
  Plot cut = whole;
  cut.largest_x = 2;
  EXPECT_NE(svg_plot(whole).find(">100<"), std::string::npos);
  EXPECT_EQ(svg_plot(cut).find(">100<"), std::string::npos);
  EXPECT_NE(svg_plot({"", "x", "y", {}}).find("<svg"), std::string::npos);  // nothing to draw is no error
}

TEST(Table, IsAlignedByCharactersAndEscapedInMarkdown) {
  const Table table{"", {"", "wert"}, {{"ä|b", "1"}, {"abc", "22"}}};
  EXPECT_EQ(terminal_table(table), "      wert\n──────────\nä|b      1\nabc     22\n");
  EXPECT_NE(markdown_table(table).find("| ä\\|b | 1 |"), std::string::npos);
}

}  // namespace
}  // namespace lethe
