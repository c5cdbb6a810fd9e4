// The list of judges: complete, and short enough for one line each.
#include <gtest/gtest.h>

#include <algorithm>

#include "judges/judge_file.h"
#include "judges/open_judge.h"
#include "judges/shipped_judges.h"

namespace lethe {
namespace {

TEST(ListJudges, NamesEveryJudgeWithLicenceNeedsAndSource) {
  const std::vector<ListedJudge> list = list_judges();
  EXPECT_EQ(list.size(), shipped_judges().size() + 2);
  for (const char* name :
       {"classifier", "refusal", "facts", "beaver-dam", "endpoint", "harmbench", "llama-guard", "llama-guard-2",
        "llama-guard-3", "qwen3guard", "qwen3guard-endpoint", "shieldgemma", "strongreject", "wildguard"}) {
    EXPECT_EQ(std::count_if(list.begin(), list.end(), [&](const ListedJudge& judge) { return judge.name == name; }), 1)
        << name;
  }
  for (const ListedJudge& judge : list) {
    EXPECT_GT(judge.about.size(), 10U) << judge.name;
    EXPECT_LT(judge.about.size(), 80U) << judge.name;
    EXPECT_FALSE(judge.needs.empty()) << judge.name;
    EXPECT_GT(judge.source.size(), 10U) << judge.name;
    const bool ours = judge.name == "classifier" || judge.name == "refusal" || judge.name == "facts";
    EXPECT_EQ(judge.licence == "-", ours) << judge.name;
    for (const std::string& text : {judge.about, judge.needs, judge.licence, judge.source})
      EXPECT_EQ(text.find('\n'), std::string::npos) << judge.name;
    if (judge.kind == "guard" || judge.kind == "sequence_classifier") {
      EXPECT_TRUE(judge.needs.starts_with("model=DIR of ")) << judge.needs;
    }
  }
}

TEST(ListJudges, TheDescriptionsOfAListAreNoKeysOfTheJudge) {
  JudgeFile file(shipped_judges().at("facts").string());
  for (const char* key : {"kind", "decisive", "gap"}) file.text(key);
  file.refuse_others();
  EXPECT_EQ(file.text("licence"), "-");
}

}  // namespace
}  // namespace lethe
