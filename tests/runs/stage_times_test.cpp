// What each stage of a run took.
#include "runs/stage_times.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace lethe {
namespace {

void wait() {
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

TEST(StageTimes, AddUpWithoutGapsAndKeepThePeakOfEach) {
  StageTimes stages;
  stages.begin("alpha");
  stages.begin("training");
  {
    const std::vector<char> block(200'000'000, 1);
    wait();
  }
  stages.begin("alpha");
  wait();
  stages.end();
  stages.end();
  EXPECT_GE(stages.seconds("training"), 0.05);
  EXPECT_GE(stages.seconds("alpha"), 0.05) << "both parts together";
  EXPECT_EQ(stages.seconds("none"), 0);
  const OrderedJson json = stages.to_json();
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["stage"], "alpha");
  EXPECT_EQ(json[1]["stage"], "training");
  EXPECT_GT(json[1]["peak_bytes"].get<double>(), json[0]["peak_bytes"].get<double>() + 150e6);
}

TEST(StageTimes, JudgingIsTakenOutOfTheStageThatHeldIt) {
  StageTimes stages;
  stages.begin("answers");
  wait();
  stages.end();
  const double before = stages.seconds("answers");
  stages.move_to_judging("answers", 0);
  EXPECT_EQ(stages.to_json().size(), 1U) << "no judge: no such stage";
  stages.move_to_judging("answers", 0.02);
  EXPECT_DOUBLE_EQ(stages.seconds("answers") + stages.seconds("judging"), before);
  EXPECT_FALSE(stages.to_json()[1].contains("peak_bytes")) << "unknown";
}

}  // namespace
}  // namespace lethe
