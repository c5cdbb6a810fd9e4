// Evaluations during training change no bit of it, come again on a resume, and can end it early.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/json.h"
#include "training/loop.h"
#include "training/noise_objective.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class EvaluationsTest : public testing::Test {
 protected:
  EvaluationsTest() {
    folder_ = fs::path(testing::TempDir()) /
              ("lethe_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "snapshots");
  }

  struct Run {
    std::string metrics = "metrics.jsonl";
    std::int64_t every = 2, patience = 0;
    std::int64_t stop = 0;           // interrupted after this step; 0: never
    std::int64_t fail_at = 0;        // the evaluation after this step is interrupted; 0: never
    bool judge_fails = false;        // at fail_at: another error in place of the interrupt
    bool at_once = false;            // interrupted within the first step
    std::vector<double> validation;  // what the n-th evaluation finds; further ones: the last
  };

  // Trains at most 10 steps. Evaluations overwrite the weights and give them back.
  at::Tensor train_by(const Run& run, bool keep = true) {
    at::Tensor weight = at::ones({4}, type_).requires_grad_(true);
    AdamW optimizer({weight}, {.weight_decay = 0.01});
    NoiseObjective objective(weight);
    LoopOptions loop;
    loop.steps = 10;
    loop.clip = clip_;
    loop.schedule = {.kind = ScheduleKind::linear, .lr = 0.1, .warmup = 0, .steps = 10};
    Snapshots snapshots({.folder = folder_ / "snapshots", .steps = 3, .identity = {{"recipe", "a"}}});
    if (keep) loop.snapshots = &snapshots;
    loop.evaluation.every = run.every;
    loop.evaluation.best = {.by = {{"validation_loss", 0}}, .patience = run.patience};
    loop.evaluation.measure = [&] {
      const c10::NoGradGuard no_gradient;
      const std::int64_t step = lines(run.metrics) + 1;  // the line of this step comes after its evaluation
      if (step == run.fail_at && run.judge_fails) throw Error("the judge does not answer");
      if (step == run.fail_at) throw interrupted_error("interrupted");
      const at::Tensor before = weight.detach().clone();
      weight.fill_(7);
      weight.copy_(before);
      const auto place = static_cast<std::size_t>((step + run.every - 1) / run.every - 1);
      const double value = run.validation.empty() ? before.sum().item<double>()
                                                  : run.validation[std::min(place, run.validation.size() - 1)];
      return std::map<std::string, double>{{"validation_loss", value}, {"validation_nan", std::nan("")}};
    };
    if (run.at_once) loop.accumulate = 2;
    loop.interrupted = [&] { return run.at_once || (run.stop > 0 && lines(run.metrics) == run.stop); };
    records_ = train(objective, optimizer, loop, folder_ / run.metrics);
    return weight.detach();
  }
  std::int64_t lines(const std::string& metrics) const {
    const std::string text = fs::exists(folder_ / metrics) ? read_file(folder_ / metrics) : "";
    return std::count(text.begin(), text.end(), '\n');
  }
  std::string untimed(const std::string& metrics) const {
    std::string text;
    for (const JsonLine& line : parse_json_lines(read_file(folder_ / metrics), metrics)) {
      Json json = line.value;
      json.erase("seconds");
      text += json.dump() + "\n";
    }
    return text;
  }
  std::set<std::string> snapshots() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / "snapshots")) names.insert(entry.path().stem().string());
    return names;
  }

  fs::path folder_;
  at::ScalarType type_ = at::kFloat;
  double clip_ = 1;
  std::vector<StepRecord> records_;
};

TEST_F(EvaluationsTest, ChangeNoBitOfTheTraining) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const double clip : {0.0, 1.0}) {
      type_ = type;
      clip_ = clip;
      const at::Tensor without = train_by({.metrics = "without.jsonl", .every = 0}, false);
      const at::Tensor with = train_by({.metrics = "with.jsonl", .every = 3}, false);
      EXPECT_TRUE(at::equal(without, with));
      for (const char* file : {"without.jsonl", "with.jsonl"}) fs::remove(folder_ / file);
    }
  }
}

TEST_F(EvaluationsTest, StandInTheLinesOfTheirStepsAndOfTheLast) {
  train_by({.every = 4});
  for (const StepRecord& record : records_) {
    const bool due = record.step == 4 || record.step == 8 || record.step == 10;
    EXPECT_EQ(record.evaluation.count("validation_loss"), due ? 1U : 0U) << record.step;
    EXPECT_EQ(record.evaluation.count("validation_nan"), 0U);  // JSON has no NaN
  }
  const auto parsed = parse_json_lines(read_file(folder_ / "metrics.jsonl"), "metrics");
  ASSERT_EQ(parsed.size(), 10U);
  EXPECT_TRUE(parsed[3].value.contains("validation_loss"));
  EXPECT_FALSE(parsed[4].value.contains("validation_loss"));
}

TEST_F(EvaluationsTest, ComeAgainOnAResumeWithTheSameLines) {
  const at::Tensor whole = train_by({.metrics = "whole.jsonl"}, false);
  EXPECT_THROW(train_by({.stop = 4}), Error);
  EXPECT_TRUE(at::equal(train_by({}), whole));
  EXPECT_EQ(untimed("metrics.jsonl"), untimed("whole.jsonl"));
}

TEST_F(EvaluationsTest, AnInterruptedEvaluationIsMadeAfterTheResume) {
  const at::Tensor whole = train_by({.metrics = "whole.jsonl"}, false);
  EXPECT_THROW(train_by({.fail_at = 6}), Error);
  EXPECT_EQ(lines("metrics.jsonl"), 6);
  EXPECT_TRUE(snapshots().contains("step-00000006"));
  EXPECT_TRUE(at::equal(train_by({}), whole));
  const auto parsed = parse_json_lines(read_file(folder_ / "metrics.jsonl"), "metrics");
  EXPECT_TRUE(parsed.at(5).value.contains("validation_loss"));
  ASSERT_EQ(parsed.size(), 10U);
}

TEST_F(EvaluationsTest, AFailedEvaluationLosesNoStep) {
  const at::Tensor whole = train_by({.metrics = "whole.jsonl"}, false);
  try {
    train_by({.fail_at = 8, .judge_fails = true});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.doing(), "the judge does not answer");
  }
  EXPECT_EQ(lines("metrics.jsonl"), 8);
  EXPECT_TRUE(snapshots().contains("step-00000008"));
  EXPECT_TRUE(at::equal(train_by({}), whole));
  EXPECT_EQ(untimed("metrics.jsonl"), untimed("whole.jsonl"));
}

TEST_F(EvaluationsTest, AnInterruptWithinTheFirstStepSpeaksOfThisTrainingAlone) {
  try {
    train_by({.at_once = true});
    FAIL();
  } catch (const Error& error) {  // another training of the same run may be done: the first half of contrast
    EXPECT_EQ(error.doing(), "interrupted before the first step of this training was done");
    EXPECT_EQ(error.code(), ExitCode::interrupted);
  }
}

TEST_F(EvaluationsTest, PatienceEndsTheTrainingAndGivesTheBestStepBack) {
  const std::vector<double> found = {5, 3, 4, 3};
  const at::Tensor best = train_by({.validation = found}, false);  // ten steps
  fs::remove(folder_ / "metrics.jsonl");
  at::Tensor fourth;
  {
    const at::Tensor kept = train_by({.patience = 2, .validation = found});
    EXPECT_EQ(records_.size(), 8U);
    const TrainingEnd end = training_end(records_, 10, {.by = {{"validation_loss", 0}}, .patience = 2});
    EXPECT_TRUE(end.early());
    EXPECT_EQ(end.last, 8);
    EXPECT_EQ(end.kept, 4);
    EXPECT_TRUE(snapshots().contains("step-00000004"));
    EXPECT_TRUE(snapshots().contains("step-00000008"));
    EXPECT_FALSE(at::equal(kept, best));
    fourth = kept;
  }
  for (const auto& entry : fs::directory_iterator(folder_ / "snapshots"))
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write) << entry.path();
  // A resume of the ended training computes no step and gives the same weights.
  EXPECT_TRUE(at::equal(train_by({.patience = 2, .validation = found}), fourth));
  EXPECT_EQ(records_.size(), 8U);
}

TEST_F(EvaluationsTest, PatienceThatIsNeverExhaustedStillKeepsTheBest) {
  train_by({.patience = 5, .validation = {5, 1, 2}});
  EXPECT_EQ(records_.size(), 10U);
  const TrainingEnd end = training_end(records_, 10, {.by = {{"validation_loss", 0}}, .patience = 5});
  EXPECT_FALSE(end.early());
  EXPECT_EQ(end.kept, 4);
}

TEST_F(EvaluationsTest, AnEarlyStopSurvivesAnInterruptAtEveryStep) {
  const std::vector<double> found = {5, 3, 4, 3};
  const at::Tensor whole = train_by({.metrics = "whole.jsonl", .patience = 2, .validation = found});
  for (std::int64_t stop = 1; stop < 8; ++stop) {
    fs::remove_all(folder_ / "snapshots");
    fs::create_directories(folder_ / "snapshots");
    fs::remove(folder_ / "metrics.jsonl");
    EXPECT_THROW(train_by({.patience = 2, .stop = stop, .validation = found}), Error);
    EXPECT_TRUE(at::equal(train_by({.patience = 2, .validation = found}), whole)) << stop;
    EXPECT_EQ(untimed("metrics.jsonl"), untimed("whole.jsonl")) << stop;
  }
}

TEST_F(EvaluationsTest, ADamagedNewestSnapshotLeavesTheBestStepOfTheOneBefore) {
  const std::vector<double> found = {5, 3, 2, 4};
  const at::Tensor whole = train_by({.metrics = "whole.jsonl", .patience = 2, .validation = found});
  fs::remove_all(folder_ / "snapshots");
  fs::create_directories(folder_ / "snapshots");
  EXPECT_THROW(train_by({.patience = 2, .stop = 6, .validation = found}), Error);  // step 6 is the best so far
  write_file(folder_ / "snapshots/step-00000006.safetensors", "damaged");
  EXPECT_TRUE(at::equal(train_by({.patience = 2, .validation = found}), whole));
  EXPECT_EQ(untimed("metrics.jsonl"), untimed("whole.jsonl"));
}

}  // namespace
}  // namespace lethe
