// Steps that several ranks share have the bits of one process, whatever the number of ranks.
#include "training/shared_steps.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "folder_test.h"
#include "thread_group.h"
#include "training/loop.h"
#include "training/shared_gradients.h"

namespace lethe {
namespace {

/// Three weights of odd sizes. Micro-batches 1, 4, 7, … give the second no gradient, and the third never has one.
class UnevenObjective : public Objective {
 public:
  UnevenObjective() {
    for (const std::int64_t size : {3, 5, 2}) {
      RandomStream stream(1, "weights", static_cast<std::uint64_t>(size));
      at::Tensor weight = at::empty({size});
      for (std::int64_t i = 0; i < size; ++i) weight[i] = stream.normal();
      weights.push_back(weight.requires_grad_(true));
    }
  }
  StepLoss loss(std::uint64_t micro) override {
    ++calls;
    if (before) before(micro);
    const at::Tensor first = error_of(weights[0], micro);
    StepLoss loss;
    loss.loss = first;
    loss.terms["first"] = first;
    if (micro % 3 != 1) {
      const at::Tensor second = error_of(weights[1], micro + 1000);
      loss.loss = loss.loss + second;
      loss.terms["second"] = second;
    }
    loss.tokens = static_cast<std::int64_t>(micro % 7);
    return loss;
  }
  std::vector<std::string> terms() const override { return {"first", "second"}; }
  NamedTensors state() override { return {{"dual", dual_}}; }
  void stepped(const std::map<std::string, double>& terms) override {
    dual_.copy_(at::tanh(dual_ + 1e-3 * terms.at("first")));
  }

  std::vector<at::Tensor> weights;
  std::function<void(std::uint64_t micro)> before;
  std::int64_t calls = 0;

 private:
  at::Tensor error_of(const at::Tensor& weight, std::uint64_t number) const {
    RandomStream stream(3, "targets", number);
    at::Tensor target = at::empty_like(weight).detach();
    for (std::int64_t i = 0; i < target.numel(); ++i) target[i] = stream.normal() * 10;
    return (weight * weight - target + dual_).pow(2).mean();
  }
  at::Tensor dual_ = at::zeros({1});
};

class SharedTraining : public FolderTest {
 protected:
  static constexpr std::int64_t kSteps = 6, kMicro = 5;
  SharedTraining() {
    loop_.steps = kSteps;
    loop_.accumulate = kMicro;
    loop_.schedule = {.kind = ScheduleKind::linear, .lr = 0.1, .warmup = 0, .steps = kSteps};
    loop_.guard.rising = {"first", "second"};
  }
  void SetUp() override {
    FolderTest::SetUp();
    fs::create_directories(folder_ / "snapshots");
  }

  /// The weights of every rank after the training.
  std::vector<std::vector<at::Tensor>> train_on(int ranks) {
    std::vector<std::vector<at::Tensor>> weights(static_cast<std::size_t>(ranks));
    as_ranks(ranks, [&](Group& group) {
      UnevenObjective objective;
      objective.before = [&](std::uint64_t micro) {
        if (before_) before_(group.rank(), micro);
      };
      AdamW optimizer(objective.weights, {.weight_decay = 0.01});
      Snapshots kept({.folder = folder_ / "snapshots", .identity = {{"recipe", "a"}}});
      LoopOptions loop = loop_;
      loop.group = ranks > 1 ? &group : nullptr;
      loop.interrupted = [&] { return interrupted_ && interrupted_(group.rank(), objective.calls); };
      if (group.rank() > 0) {
        loop.evaluation.measure = nullptr;
        train(objective, optimizer, loop, "");
      } else {
        if (keeps_) loop.snapshots = &kept;
        records_ = train(objective, optimizer, loop, folder_ / "metrics.jsonl");
      }
      for (const at::Tensor& weight : objective.weights)
        weights[static_cast<std::size_t>(group.rank())].push_back(weight.detach().clone());
      calls_ += objective.calls;
    });
    return weights;
  }
  /// @return why it ended
  std::string failure_on(int ranks) {
    try {
      train_on(ranks);
    } catch (const Error& error) {
      code_ = error.code();
      return error.what();
    }
    return "";
  }
  bool has_snapshot(int step) const {
    return fs::exists(folder_ / "snapshots" / ("step-0000000" + std::to_string(step) + ".json"));
  }

  LoopOptions loop_;
  bool keeps_ = false;
  std::function<void(int rank, std::uint64_t micro)> before_;
  std::function<bool(int rank, std::int64_t calls)> interrupted_;
  std::vector<StepRecord> records_;
  std::atomic<std::int64_t> calls_ = 0;
  ExitCode code_ = ExitCode::done;
};

void expect_same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i], b[i])) << "weight " << i;
}

TEST_F(SharedTraining, HasTheBitsOfOneProcessForAnyNumberOfRanks) {
  const auto alone = train_on(1);
  const std::vector<StepRecord> records = records_;
  for (const int ranks : {2, 3, 4, 5}) {
    calls_ = 0;
    const auto shared = train_on(ranks);
    for (const auto& weights : shared) expect_same(alone[0], weights);
    EXPECT_EQ(calls_, kSteps * kMicro) << "no micro-batch is computed twice";
    ASSERT_EQ(records_.size(), records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(records_[i].terms, records[i].terms);
      EXPECT_EQ(records_[i].loss, records[i].loss);
      EXPECT_EQ(records_[i].grad_norm, records[i].grad_norm);
      EXPECT_EQ(records_[i].tokens, records[i].tokens);
    }
  }
}

TEST_F(SharedTraining, ContinuesOnAnotherNumberOfRanks) {
  const auto whole = train_on(1);
  keeps_ = true;
  int steps = 0;
  for (const int ranks : {1, 2, 4}) {  // two steps each
    steps += 2;
    interrupted_ = [&](int, std::int64_t calls) { return calls * ranks >= 2 * kMicro; };
    if (steps < kSteps) {
      EXPECT_NE(failure_on(ranks).find("interrupted after step"), std::string::npos);
      EXPECT_EQ(code_, ExitCode::interrupted);
    }
  }
  interrupted_ = nullptr;
  for (const auto& weights : train_on(3)) expect_same(whole[0], weights);
  EXPECT_LT(records_.size(), static_cast<std::size_t>(kSteps) + 1);
}

TEST_F(SharedTraining, StopsForAnyRankAfterTheLastWholeStep) {
  keeps_ = true;
  interrupted_ = [](int rank, std::int64_t calls) { return rank == 1 && calls == 2 * 3 + 1; };  // 3 of 5 are rank 0's
  EXPECT_NE(failure_on(2).find("interrupted after step 3"), std::string::npos);
  EXPECT_EQ(code_, ExitCode::interrupted);
  EXPECT_TRUE(has_snapshot(3));
}

TEST_F(SharedTraining, ALostRankLosesNoStep) {
  const auto whole = train_on(1);
  keeps_ = true;
  before_ = [](int rank, std::uint64_t micro) {
    if (rank == 1 && micro == 3 * kMicro + 1) throw Error("out of luck");
  };
  const std::string message = failure_on(2);
  EXPECT_NE(message.find("rank 1"), std::string::npos) << message;
  EXPECT_NE(message.find("step-00000003.json"), std::string::npos) << message;
  EXPECT_TRUE(has_snapshot(3));
  before_ = nullptr;
  expect_same(whole[0], train_on(2)[0]);
}

TEST_F(SharedTraining, TheBestStepEndsTheTrainingOnAllRanks) {
  loop_.evaluation.every = 1;
  std::int64_t measured = 0;
  loop_.evaluation.measure = [&] {
    return std::map<std::string, double>{{"validation_loss", static_cast<double>(++measured)}};
  };
  loop_.evaluation.best = {.by = {{"validation_loss", 0}}, .patience = 2};
  keeps_ = true;
  calls_ = 0;
  train_on(3);  // hangs if a rank expects another step
  EXPECT_EQ(records_.size(), 3U);
  EXPECT_EQ(calls_, 3 * kMicro);
}

TEST_F(SharedTraining, RanksWithOtherWeightsAreNoticedAfterOneStep) {
  as_ranks(2, [](Group& group) {
    UnevenObjective objective;
    if (group.rank() == 1) objective.weights[2].detach()[0] += 1e-6;
    AdamW optimizer(objective.weights, {});
    SharedSteps steps(group, objective, optimizer, {.steps = 1, .accumulate = 2});
    try {
      steps.check_weights();
      ADD_FAILURE() << "no error in rank " << group.rank();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("rank 1"), std::string::npos) << error.what();
    }
  });
}

TEST(SharedGradients, KeepBfloat16sOwnRounding) {
  const std::vector<double> parts = {1.0, 0.004, 0.004};
  at::Tensor alone = at::zeros({7}, at::kBFloat16);
  for (const double part : parts) alone += at::full({7}, part, at::kBFloat16);
  as_ranks(3, [&](Group& group) {
    std::vector<at::Tensor> weights = {at::zeros({7}, at::kBFloat16)};
    SharedGradients gradients(group, weights);
    weights[0].mutable_grad() = at::full({7}, parts[static_cast<std::size_t>(group.rank())], at::kBFloat16);
    gradients.add({{1}, {1}, {1}});
    gradients.finish();
    EXPECT_TRUE(at::equal(weights[0].grad(), alone));
  });
}

}  // namespace
}  // namespace lethe
