// A training loop that is interrupted, or whose snapshots cannot be written, loses no complete step.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/terminal.h"
#include "folder_test.h"
#include "training/loop.h"
#include "training/noise_objective.h"

namespace lethe {
namespace {

class InterruptedLoop : public FolderTest {
 protected:
  static constexpr std::int64_t kSteps = 6, kMicro = 4;
  InterruptedLoop() : objective_(weight_) {
    loop_.steps = kSteps;
    loop_.accumulate = kMicro;
    loop_.schedule = {.kind = ScheduleKind::linear, .lr = 0.1, .warmup = 0, .steps = kSteps};
  }
  void SetUp() override {
    FolderTest::SetUp();
    fs::create_directories(snapshots());
  }
  fs::path snapshots() const { return folder_ / "snapshots"; }
  bool has_snapshot(int step) const {
    return fs::exists(snapshots() / ("step-0000000" + std::to_string(step) + ".json"));
  }
  /// Trains from a fresh weight, or from what the snapshots hold. @return why it ended, or ""
  std::string train_into(bool keep, const char* metrics = "metrics.jsonl") {
    weight_.detach().fill_(1);
    AdamW optimizer({weight_}, {.weight_decay = 0.01});
    Snapshots kept({.folder = snapshots(), .identity = {{"recipe", "a"}}});
    loop_.snapshots = keep ? &kept : nullptr;
    objective_.calls = 0;
    try {
      records_ = train(objective_, optimizer, loop_, folder_ / metrics);
    } catch (const Error& error) {
      code_ = error.code();
      return error.what();
    }
    return "";
  }

  at::Tensor weight_ = at::ones({4}).requires_grad_(true);
  NoiseObjective objective_;
  LoopOptions loop_;
  std::vector<StepRecord> records_;
  ExitCode code_ = ExitCode::done;
};

TEST_F(InterruptedLoop, StopsBetweenMicroBatchesAndContinuesToTheSameBits) {
  ASSERT_EQ(train_into(false, "whole.jsonl"), "");
  const at::Tensor whole = weight_.detach().clone();
  loop_.interrupted = [&] { return objective_.calls == 3 * kMicro + 2; };
  const std::string message = train_into(true);
  EXPECT_EQ(objective_.calls, 3 * kMicro + 2);  // no further micro-batch
  EXPECT_EQ(code_, ExitCode::interrupted);
  EXPECT_NE(message.find("interrupted after step 3"), std::string::npos) << message;
  EXPECT_TRUE(has_snapshot(3));
  loop_.interrupted = nullptr;
  ASSERT_EQ(train_into(true), "");
  EXPECT_EQ(objective_.calls, 3 * kMicro);
  EXPECT_TRUE(at::equal(weight_.detach(), whole));
  EXPECT_EQ(records_.size(), static_cast<std::size_t>(kSteps));
}

TEST_F(InterruptedLoop, KeepsNothingBeforeTheFirstStepIsDone) {
  loop_.interrupted = [] { return true; };
  EXPECT_NE(train_into(true).find("before the first step"), std::string::npos);
  EXPECT_EQ(code_, ExitCode::interrupted);
  EXPECT_EQ(objective_.calls, 1);
  EXPECT_TRUE(fs::is_empty(snapshots()));
}

TEST_F(InterruptedLoop, ALastSnapshotThatCannotBeWrittenDoesNotThrowTheTrainingAway) {
  objective_.before = [&](std::uint64_t micro) {
    if (micro + 1 == kSteps * kMicro) fs::remove_all(snapshots());
  };
  configure_terminal({});
  testing::internal::CaptureStderr();
  EXPECT_EQ(train_into(true), "");
  const std::string message = testing::internal::GetCapturedStderr();
  EXPECT_EQ(records_.size(), static_cast<std::size_t>(kSteps));
  EXPECT_NE(message.find("warning: no snapshot was written after step 6"), std::string::npos) << message;
}

TEST_F(InterruptedLoop, AnInterruptWhoseSnapshotCannotBeWrittenIsStillAnInterrupt) {
  fs::create_directories(snapshots() / "step-00000002.safetensors" / "in the way");
  loop_.interrupted = [&] { return objective_.calls == 2 * kMicro + 1; };
  configure_terminal({});
  testing::internal::CaptureStderr();
  const std::string message = train_into(true);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("no snapshot was written after step 2"), std::string::npos);
  EXPECT_EQ(code_, ExitCode::interrupted);
  EXPECT_NE(message.find("interrupted after step 2"), std::string::npos) << message;
  EXPECT_NE(message.find("no snapshot"), std::string::npos) << message;
}

}  // namespace
}  // namespace lethe
