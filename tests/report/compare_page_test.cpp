// The comparison page: its data stay data, and its policy lets nothing else run.
#include "report/compare_page.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

TEST(ComparePage, DataStayWithinTheirElement) {
  const std::string page = compare_page({{"title", "</script><script>alert(1)</script><!--"}});
  EXPECT_EQ(page.find("alert(1)</script>"), std::string::npos);
  EXPECT_NE(page.find("\\u003c/script>\\u003cscript>alert(1)\\u003c/script>\\u003c!--"), std::string::npos);
  const std::string place = "id=\"data\">";
  const std::size_t at = page.find(place) + place.size();
  const Json data = parse_json(page.substr(at, page.find("</script>", at) - at), "the page");
  EXPECT_EQ(data["title"], "</script><script>alert(1)</script><!--");
  EXPECT_NE(compare_page({}).find(place + "null</script>"), std::string::npos);
}

TEST(ComparePage, RunsItsOwnScriptAloneAndLoadsNothing) {
  const std::string page = compare_page({}), policy = compare_page_policy();
  EXPECT_TRUE(policy.starts_with("default-src 'none'")) << policy;
  EXPECT_TRUE(policy.ends_with("frame-ancestors 'none'")) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
  EXPECT_EQ(policy.find("http"), std::string::npos) << policy;
  for (const char* loads : {"src=\"", "href=", "@import", "url(", "innerHTML", "eval(", "document.write"})
    EXPECT_EQ(page.find(loads), std::string::npos) << loads;
}

}  // namespace
}  // namespace lethe
