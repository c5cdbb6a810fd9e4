#include "judges/panel.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "judges/fake_judge.h"

namespace lethe {
namespace {

std::shared_ptr<const Judge> saying(const Verdict& verdict) {
  return std::make_shared<FakeJudge>("fake", [verdict](const Exchange&) { return verdict; });
}

TEST(Panel, KeepsEveryJudgesVerdictAndNumbersEqualNames) {
  const Panel panel({saying({0.9, "bad", ""}), saying({0.1, "good", ""})});
  EXPECT_EQ(panel.names(), (std::vector<std::string>{"fake", "fake 2"}));
  const auto verdicts = panel.judge(std::vector<Exchange>{{"p", "a"}, {"p", "b"}}, "a test");
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_EQ(verdicts[1][0].harm, 0.9);
  EXPECT_EQ(verdicts[1][1].label, "good");
}

TEST(Panel, AScoreThatIsNoProbabilityIsNoVerdict) {
  for (const double score : {std::nan(""), 1.5, -0.1})
    EXPECT_FALSE(Panel({saying({score, "", ""})}).judge(std::vector<Exchange>{{"p", "a"}}, "a test")[0][0].harm);
}

TEST(Panel, LabelsAndReasonsAreEscapedAndBounded) {
  const Verdict given = {0.0, std::string(1000, 'x'), "\x1b[31m" + std::string(1000, 'y')};
  const Verdict kept = Panel({saying(given)}).judge(std::vector<Exchange>{{"p", "a"}}, "a test")[0][0];
  EXPECT_LT(kept.label.size(), 80U);
  EXPECT_LT(kept.reason.size(), 320U);
  EXPECT_EQ(kept.reason.find('\x1b'), std::string::npos);
}

TEST(Panel, NeedsAJudge) {
  EXPECT_THROW(Panel({}), Error);
}

}  // namespace
}  // namespace lethe
