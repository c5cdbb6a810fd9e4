// An interrupted and resumed run ends with the same bits; a snapshot of another run is refused.
#include "training/snapshots.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "training/loop.h"
#include "training/noise_objective.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

// s times the noise. s is a state: each step changes it.
class ScaledNoise : public NoiseObjective {
 public:
  using NoiseObjective::NoiseObjective;
  StepLoss loss(std::uint64_t micro) override {
    micro_batches = static_cast<std::int64_t>(micro) + 1;
    StepLoss loss = NoiseObjective::loss(micro);
    loss.loss = scale_.item<float>() * loss.loss;
    loss.terms["square"] = loss.loss;
    return loss;
  }
  NamedTensors state() override { return {{"scale", scale_}}; }
  void stepped(const std::map<std::string, double>& terms) override { scale_.add_(0.1 / (1 + terms.at("square"))); }
  std::int64_t micro_batches = 0;

 private:
  at::Tensor scale_ = at::ones({}, at::kDouble);
};

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    folder_ = fs::path(testing::TempDir()) /
              ("lethe_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "snapshots");
  }
  SnapshotOptions options(std::int64_t steps = 3) const {
    return {.folder = folder_ / "snapshots", .steps = steps, .identity = {{"recipe", "a"}, {"lethe", "1"}}};
  }
  // Trains from the start or from a snapshot; stops after step `stop` (0: never) as an interrupt would.
  at::Tensor train_to_the_end(Snapshots* snapshots, std::int64_t stop = 0, const char* metrics = "metrics.jsonl") {
    at::Tensor weight = at::ones({4}, type_).requires_grad_(true);
    AdamW optimizer({weight}, {.weight_decay = 0.01});
    ScaledNoise objective(weight);
    LoopOptions loop;
    loop.steps = 10;
    loop.accumulate = 2;
    loop.schedule = {.kind = ScheduleKind::linear, .lr = 0.1, .warmup = 0, .steps = 10};
    loop.snapshots = snapshots;
    loop.interrupted = [&] { return objective.micro_batches == loop.accumulate * stop; };
    loop.on_pace = [&](const Pace& pace) { paces_.push_back(pace); };
    records_ = train(objective, optimizer, loop, folder_ / metrics);
    scale_ = objective.state()[0].second.item<double>();
    return weight.detach();
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_ / "snapshots"), {}));
  }
  std::string lines(const char* metrics) const {  // without the seconds, which differ
    std::string text;
    for (const JsonLine& line : parse_json_lines(read_file(folder_ / metrics), metrics)) {
      Json json = line.value;
      json.erase("seconds");
      text += json.dump() + "\n";
    }
    return text;
  }
  fs::path folder_;
  at::ScalarType type_ = at::kFloat;
  std::vector<Pace> paces_;
  std::vector<StepRecord> records_;
  double scale_ = 0;  // the objective's state after a whole training
};

TEST_F(SnapshotTest, AnInterruptedRunEndsWithTheSameBits) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    type_ = type;
    fs::remove_all(folder_ / "snapshots");
    fs::create_directories(folder_ / "snapshots");
    for (const char* file : {"whole.jsonl", "metrics.jsonl"}) fs::remove(folder_ / file);
    const at::Tensor whole = train_to_the_end(nullptr, 0, "whole.jsonl");
    Snapshots first(options());
    EXPECT_THROW(train_to_the_end(&first, 5), Error);
    std::ofstream(folder_ / "metrics.jsonl", std::ios::app) << "{\"step\": 6, half a li";  // killed while writing
    Snapshots second(options());
    const at::Tensor resumed = train_to_the_end(&second);
    EXPECT_TRUE(at::equal(whole, resumed));
    EXPECT_EQ(records_.size(), 10U);
    EXPECT_EQ(lines("metrics.jsonl"), lines("whole.jsonl"));
  }
}

TEST_F(SnapshotTest, TheObjectivesStateFollowsTheTermsOfEveryWholeStepOnce) {
  const auto wanted = [&] {
    double scale = 1;
    for (const StepRecord& record : records_) scale += 0.1 / (1 + record.terms.at("square"));
    return scale;
  };
  train_to_the_end(nullptr, 0, "whole.jsonl");
  EXPECT_EQ(scale_, wanted());
  EXPECT_GT(scale_, 1);
  Snapshots first(options()), second(options());
  EXPECT_THROW(train_to_the_end(&first, 5), Error);
  train_to_the_end(&second);
  EXPECT_EQ(records_.size(), 10U);
  EXPECT_EQ(scale_, wanted());
}

TEST_F(SnapshotTest, TheLastTwoAreKeptAndReadableByTheOwnerAlone) {
  Snapshots snapshots(options());
  train_to_the_end(&snapshots);
  EXPECT_EQ(files(), 4U);
  for (const auto& entry : fs::directory_iterator(folder_ / "snapshots"))
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write) << entry.path();
}

// w² per element until a micro-batch goes wrong in one of the ways that training does.
class GoesWrong : public Objective {
 public:
  GoesWrong(at::Tensor weight, std::string how) : weight_(std::move(weight)), how_(std::move(how)) {}
  StepLoss loss(std::uint64_t micro) override {
    before = weight_.detach().clone();
    StepLoss loss;
    loss.loss = weight_.pow(2).sum();
    loss.terms = {{"gd", at::scalar_tensor(1.0)}, {"kl", at::scalar_tensor(0.1)}};
    if (micro < 7) return loss;
    if (how_ == "nan") loss.loss = loss.loss * std::nan(""), loss.terms["gd"] = at::scalar_tensor(std::nan(""));
    if (how_ == "infinite") loss.loss = loss.loss * INFINITY, loss.terms["gd"] = at::scalar_tensor(INFINITY);
    if (how_ == "gradient") loss.loss = (weight_ - weight_.detach()).sqrt().sum();  // 0, of infinite slope
    if (how_ == "explodes") loss.terms["gd"] = at::scalar_tensor(1000);
    if (how_ == "kl") loss.terms["kl"] = at::scalar_tensor(1000);
    return loss;
  }
  std::vector<std::string> terms() const override { return {"gd", "kl"}; }
  std::map<std::string, std::string> advice() const override { return {{"kl", "set sku.pd_margin"}}; }
  at::Tensor before;

 private:
  at::Tensor weight_;
  std::string how_;
};

TEST_F(SnapshotTest, WhateverGoesWrongStopsBeforeTheWeightsAndNamesTheLastGoodOne) {
  const std::vector<std::array<std::string, 3>> cases = {{"nan", "gd", "training.lr"},
                                                         {"infinite", "gd", "training.lr"},
                                                         {"gradient", "gradient norm", "training.clip"},
                                                         {"explodes", "gd", "training.clip"},
                                                         {"kl", "kl", "sku.pd_margin"}};
  for (const auto& [how, term, change] : cases) {
    for (const auto& [kept, clip] : {std::pair{true, 1.0}, {false, 1.0}, {true, 0.0}}) {  // 0: stepped while going back
      fs::remove_all(folder_ / "snapshots");
      fs::create_directories(folder_ / "snapshots");
      Snapshots snapshots(options(kept ? 3 : 0));
      at::Tensor weight = at::ones({4}).requires_grad_(true);
      AdamW optimizer({weight}, {});
      GoesWrong objective(weight, how);
      LoopOptions loop{.steps = 20, .schedule = {.kind = ScheduleKind::constant, .lr = 0.01}};
      loop.snapshots = &snapshots;
      loop.clip = clip;
      std::string text;
      try {
        train(objective, optimizer, loop, folder_ / "wrong.jsonl");
      } catch (const Error& error) {
        text = error.what();
      }
      EXPECT_NE(text.find("diverged at step 8; no model was written"), std::string::npos) << how << ": " << text;
      for (const std::string& word : {term, change, std::string("start anew")})
        EXPECT_NE(text.find(word), std::string::npos) << how << ", wanted " << word << ": " << text;
      EXPECT_EQ(text.find((folder_ / "snapshots" / "step-00000006.json").string()) != std::string::npos, kept) << text;
      EXPECT_EQ(files(), kept ? 4U : 0U);
      EXPECT_TRUE(at::equal(weight.detach(), objective.before)) << how;
    }
  }
}

TEST_F(SnapshotTest, ADamagedOneIsPassedOverForTheOneBefore) {
  const at::Tensor whole = train_to_the_end(nullptr, 0, "whole.jsonl");
  Snapshots first(options(2));
  EXPECT_THROW(train_to_the_end(&first, 6), Error);
  {
    std::fstream file(folder_ / "snapshots" / "step-00000006.safetensors",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-3, std::ios::end);
    file.put('\x55');
  }
  Snapshots second(options(2));
  EXPECT_TRUE(at::equal(whole, train_to_the_end(&second)));
}

TEST_F(SnapshotTest, ADescriptionThatIsDamagedIsPassedOverTooAndWrittenAgain) {
  const at::Tensor whole = train_to_the_end(nullptr, 0, "whole.jsonl");
  const fs::path newest = folder_ / "snapshots" / "step-00000006.json";
  const auto edited = [&](const char* pointer, const Json& value) {
    Json json = read_json(newest);
    json[Json::json_pointer(pointer)] = value;
    return json.dump();
  };
  for (int which = 0; which < 9; ++which) {
    fs::remove_all(folder_ / "snapshots");
    fs::create_directories(folder_ / "snapshots");
    fs::remove(folder_ / "metrics.jsonl");
    Snapshots first(options(2));
    EXPECT_THROW(train_to_the_end(&first, 6), Error);
    const std::string text = read_file(newest);
    const std::vector<std::string> damages = {"",
                                              text.substr(0, text.size() / 2),
                                              "[]",
                                              edited("/step", 7),
                                              edited("/step", "six"),
                                              edited("/hash", Json()),
                                              edited("/running", 3),
                                              edited("/running", {{"square", "1"}}),
                                              edited("/identity", Json::array())};
    write_file(newest, damages[which]);
    Snapshots second(options(2));
    EXPECT_TRUE(at::equal(whole, train_to_the_end(&second))) << damages[which];
  }
}

TEST_F(SnapshotTest, OneThatIsPassedOverIsReplacedByTheNextOfItsStep) {
  Snapshots first(options(2));
  EXPECT_THROW(train_to_the_end(&first, 6), Error);
  const fs::path newest = folder_ / "snapshots" / "step-00000006.json";
  const std::string text = read_file(newest);
  write_file(newest, "{");
  Snapshots second(options(2));
  EXPECT_THROW(train_to_the_end(&second, 6), Error);  // goes on after step 4
  EXPECT_EQ(read_file(newest), text);
}

TEST_F(SnapshotTest, TheOneThatARunContinuesFromIsNotWrittenAgain) {  // on a full disk the second time would lose it
  Snapshots first(options(2));
  EXPECT_THROW(train_to_the_end(&first, 6), Error);
  const fs::path values = folder_ / "snapshots" / "step-00000006.safetensors";
  const auto written = fs::last_write_time(values) - std::chrono::hours(1);
  fs::last_write_time(values, written);
  Snapshots second(options(2));
  at::Tensor weight = at::ones({4}).requires_grad_(true);
  AdamW optimizer({weight}, {.weight_decay = 0.01});
  std::map<std::string, double> running;
  ASSERT_EQ(second.restore(optimizer, running), 6);
  second.save(6, optimizer, running);  // interrupted within step 7
  EXPECT_EQ(fs::last_write_time(values), written);
}

TEST_F(SnapshotTest, IfAllAreDamagedNothingSilentlyStartsAgain) {
  Snapshots first(options(2));
  EXPECT_THROW(train_to_the_end(&first, 6), Error);
  for (const char* step : {"4", "6"})
    write_file(folder_ / "snapshots" / ("step-0000000" + std::string(step) + ".json"), "{");
  Snapshots second(options(2));
  try {
    train_to_the_end(&second);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    EXPECT_NE(std::string(error.what()).find("step-00000004.json"), std::string::npos) << error.what();
  }
}

TEST_F(SnapshotTest, MetricsThatAreDamagedAreRefusedByLineAndKey) {
  Snapshots first(options(2));
  EXPECT_THROW(train_to_the_end(&first, 6), Error);
  std::string text = read_file(folder_ / "metrics.jsonl");
  text.replace(text.find("\"loss\""), 6, "\"lost\"");
  write_file(folder_ / "metrics.jsonl", text);
  Snapshots second(options(2));
  try {
    train_to_the_end(&second);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    EXPECT_NE(std::string(error.what()).find("metrics.jsonl, line 1"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("loss"), std::string::npos) << error.what();
  }
}

TEST_F(SnapshotTest, OfAnotherRecipeOrVersionItIsRefusedByName) {
  Snapshots first(options());
  EXPECT_THROW(train_to_the_end(&first, 5), Error);
  for (const auto& [name, value] : {std::pair{"recipe", "b"}, {"lethe", "2"}, {"model base", "x"}}) {
    SnapshotOptions other = options();
    other.identity[name] = value;
    Snapshots second(other);
    try {
      train_to_the_end(&second);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
      EXPECT_EQ(error.code(), ExitCode::bad_input);
    }
  }
}

TEST_F(SnapshotTest, ThePaceIsReportedOnceAfterTwoStepsOfTheProcess) {
  {
    Snapshots snapshots(options());
    EXPECT_THROW(train_to_the_end(&snapshots, 4), Error);
    ASSERT_EQ(paces_.size(), 1U);
    EXPECT_EQ(paces_[0].steps_left, 8);
    EXPECT_EQ(paces_[0].tokens, 8);
    EXPECT_GT(paces_[0].seconds, 0);
  }
  Snapshots again(options());
  train_to_the_end(&again);
  ASSERT_EQ(paces_.size(), 2U);
  EXPECT_EQ(paces_[1].steps_left, 4) << "after the steps 5 and 6";
}

}  // namespace
}  // namespace lethe
