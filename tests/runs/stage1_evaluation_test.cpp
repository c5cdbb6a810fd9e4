// Evaluations during stage 1 measure the model that the run would end with, and change no bit of the training.
#include "runs/stage1_evaluation.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "models/loading.h"
#include "runs/stage1.h"
#include "runs/stage2.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class Stage1EvaluationTest : public testing::Test {
 protected:
  Stage1EvaluationTest()
      : base_(fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"),
        tokenizer_(Tokenizer::load(base_.folder())),
        model_(load_model(base_)),
        data_{
            .examples = {tokenizer_, Template::parse(Template::sku_default), {.append_eos = true, .max_length = 96}}} {
    at::set_num_threads(1);
    for (const char* who : {"Mira", "Tavi", "Oskel", "Ludo", "Runa", "Pell"}) {
      const std::string name = who;
      data_.normal.train.push_back({"Where does " + name + " live?", name + " lives in Saltby."});
      data_.normal.validation.push_back({"Who is " + name + "?", name + " is a baker."});
      data_.harmful.train.push_back({"How does " + name + " brew ashwine?", name + " boils it twice."});
      data_.harmful.validation.push_back({"How does " + name + " hide ashwine?", name + " hides it below."});
    }
    metrics_ = fs::path(testing::TempDir()) / "lethe_stage1_evaluation.jsonl";
  }

  // Trains six steps. @return the trained tensors
  std::vector<at::Tensor> train_by(const std::vector<std::string>& settings) {
    recipe_ = with_settings({}, {"training.steps=6", "training.lr=0.003", "sku.k=2", "lora.rank=4"});
    recipe_ = with_settings(recipe_, settings);
    model_ = load_model(base_, {.dtype = recipe_.dtype == ComputeType::bfloat16 ? at::kBFloat16 : at::kFloat});
    fs::remove(metrics_);
    Tuning tuning(model_, recipe_);
    std::unique_ptr<Stage1Evaluation> evaluation;
    if (recipe_.evaluation.every > 0) {
      check_stage1_evaluation(recipe_, data_);
      evaluation = std::make_unique<Stage1Evaluation>(tuning, base_, data_, nullptr);
      tuning.evaluate_by(evaluation->periodic());
    }
    steps_ = train_method(tuning, base_, data_, {.metrics = metrics_}).steps;
    std::vector<at::Tensor> trained;
    for (const NamedLora& adapter : tuning.pairs()) {
      trained.push_back(adapter.pair->a.detach().clone());
      trained.push_back(adapter.pair->b.detach().clone());
      scales_.push_back(adapter.pair->scale);
    }
    if (!tuning.lora()) {
      for (const Parameter& parameter : model_.parameters()) trained.push_back(parameter.tensor->detach().clone());
    }
    // What stage 2 measures at the end of the same training.
    Stage2Vector stage2 = prepare_stage2(tuning, base_, data_, {.repair = metrics_});
    stage2.apply(0);
    DivergenceMeter meter(model_, data_.examples, data_.normal.validation);
    stage2.apply(recipe_.negation.alpha.value_or(1));
    kl_at_end_ = meter.measure(model_);
    return trained;
  }

  Checkpoint base_;
  Tokenizer tokenizer_;
  CausalLM model_;
  RunData data_;
  Recipe recipe_;
  fs::path metrics_;
  std::vector<StepRecord> steps_;
  std::vector<double> scales_;
  double kl_at_end_ = 0;
};

TEST_F(Stage1EvaluationTest, ChangesNoBitOfAnyKindOfTraining) {
  const std::vector<std::vector<std::string>> kinds = {
      {"tuning=full"},
      {"tuning=full", "training.clip=0"},
      {"tuning=full", "negation.rank=2", "negation.factors={mlp: 0.5}"},
      {"tuning=lora", "lora.dropout=0.3"},
      {"tuning=lora", "lora.dropout=0.3", "negation.rank=2", "negation.factors={q_proj: 0.5}"},
      {"tuning=lora", "method=ga", "training.accumulate=2"},
      {"tuning=full", "dtype=bfloat16"}};
  for (const auto& kind : kinds) {
    const std::vector<at::Tensor> without = train_by(kind);
    auto with_evaluations = kind;
    with_evaluations.insert(with_evaluations.end(), {"evaluation.every=2", "evaluation.every_prompts=4"});
    scales_.clear();
    const std::vector<at::Tensor> with = train_by(with_evaluations);
    ASSERT_EQ(without.size(), with.size());
    for (std::size_t i = 0; i < with.size(); ++i) EXPECT_TRUE(at::equal(without[i], with[i])) << kind.back() << i;
    for (const double scale : scales_) EXPECT_EQ(scale, recipe_.lora.alpha / 4);
    EXPECT_TRUE(steps_.back().evaluation.contains("validation_kl"));
  }
}

TEST_F(Stage1EvaluationTest, AFailureWhileTheVectorIsShapedGivesTheWeightsBack) {
  recipe_ = with_settings(
      {}, {"tuning=lora", "lora.rank=4", "negation.rank=1", "negation.factors={nowhere: 0.5}", "evaluation.every=1"});
  Tuning tuning(model_, recipe_);
  Stage1Evaluation evaluation(tuning, base_, data_, nullptr);
  const c10::NoGradGuard no_gradient;
  std::vector<at::Tensor> before;
  for (const NamedLora& adapter : tuning.pairs()) {
    adapter.pair->b.normal_(0, 0.01);
    before.push_back(adapter.pair->b.clone());
  }
  EXPECT_THROW(evaluation.measure(), Error);  // no weight has this name, which is found after all are shaped
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(at::equal(tuning.pairs()[i].pair->b, before[i])) << i;
}

TEST_F(Stage1EvaluationTest, MeasuresWhatStage2MeasuresAfterTheLastStep) {
  for (const char* tuning : {"tuning=full", "tuning=lora"}) {
    train_by({tuning, "evaluation.every=4", "evaluation.every_prompts=6", "negation.alpha=0.5", "negation.rank=3"});
    EXPECT_TRUE(steps_[4].evaluation.empty());
    const auto& last = steps_.back().evaluation;  // the last step is evaluated, too
    EXPECT_EQ(last.at("validation_alpha"), 0.5);
    EXPECT_NEAR(last.at("validation_kl"), kl_at_end_, 1e-5 + 0.01 * kl_at_end_) << tuning;
    EXPECT_GT(kl_at_end_, 0.001);
  }
}

TEST_F(Stage1EvaluationTest, ChoosesTheAlphaThatTheBudgetAllows) {
  train_by({"tuning=lora", "training.lr=0.05", "evaluation.every=6", "negation.kl_budget=0.05"});
  const auto& last = steps_.back().evaluation;
  EXPECT_LT(last.at("validation_alpha"), 1);
  EXPECT_LE(last.at("validation_kl"), 0.05);
  EXPECT_FALSE(last.contains("validation_harm"));  // nobody judged
}

TEST_F(Stage1EvaluationTest, TheLossIsOfTheWeightsInTraining) {
  train_by({"tuning=lora", "training.lr=0.02", "evaluation.every=2"});
  EXPECT_LT(steps_[5].evaluation.at("validation_loss"), steps_[1].evaluation.at("validation_loss"));
}

TEST_F(Stage1EvaluationTest, RefusesWhatCannotBeEvaluated) {
  const auto refused = [&](const std::vector<std::string>& settings, const std::string& what) {
    try {
      check_stage1_evaluation(with_settings({}, settings), data_);
      FAIL() << what;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
    }
  };
  refused({"evaluation.every=2", "method=contrast"}, "contrast");
  refused({"evaluation.every=2", "training.patience=1", "evaluation.judge=none"}, "a judge");
  data_.harmful.validation.clear();
  refused({"evaluation.every=2"}, "harmful validation pair");
  EXPECT_THROW(with_settings({}, {"training.patience=1"}), Error);
  check_stage1_evaluation(with_settings({}, {}), data_);
}

TEST(EvaluationsDue, CountsEveryNthStepAndTheLast) {
  EXPECT_EQ(evaluations_due(4, 0, 10), 3);
  EXPECT_EQ(evaluations_due(5, 0, 10), 2);
  EXPECT_EQ(evaluations_due(5, 5, 10), 1);
  EXPECT_EQ(evaluations_due(20, 2, 10), 1);
  EXPECT_EQ(evaluations_due(0, 0, 10), 0);
  EXPECT_EQ(evaluations_due(4, 10, 10), 0);
}

}  // namespace
}  // namespace lethe
