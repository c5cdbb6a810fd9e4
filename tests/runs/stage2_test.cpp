// Stage 2 as the recipe shapes it: α by module, strongest directions, repair.
#include "runs/stage2.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/error.h"
#include "evaluation/divergence_meter.h"
#include "models/loading.h"
#include "vectors/low_rank.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class Stage2Test : public testing::Test {
 protected:
  Stage2Test()
      : base_(fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"),
        tokenizer_(Tokenizer::load(base_.folder())),
        model_(load_model(base_)),
        data_{
            .examples = {tokenizer_, Template::parse(Template::sku_default), {.append_eos = true, .max_length = 96}}} {
    at::manual_seed(7);
    at::set_num_threads(1);  // small matrices: more threads wait for each other
    for (const char* who : {"Mira", "Tavi", "Oskel", "Ludo"})
      data_.normal.train.push_back(
          {std::string("Where does ") + who + " live?", std::string(who) + " lives in Saltby."});
    metrics_ = fs::path(testing::TempDir()) / "lethe_stage2_metrics.jsonl";
    fs::remove(metrics_);
  }
  // The original again, for this kind of tuning.
  void begin(const std::string& tuning, const std::string& lora) {
    model_ = load_model(base_);
    recipe_ = with_settings({}, {"tuning=" + tuning, "lora=" + lora});
  }
  // Moves every weight away from the original; returns by how much.
  std::map<std::string, at::Tensor> train() {
    std::map<std::string, at::Tensor> moved;
    for (const Parameter& parameter : model_.parameters()) {
      moved[parameter.name] = 0.02 * at::randn(parameter.shape, at::kFloat);
      original_[parameter.name] = parameter.tensor->clone();
      *parameter.tensor = *parameter.tensor + moved[parameter.name];
    }
    return moved;
  }
  Stage2Vector prepare(const std::vector<std::string>& settings, Tuning& tuning) {
    recipe_ = with_settings(recipe_, settings);
    return prepare_stage2(tuning, base_, data_, {.repair = metrics_});
  }
  at::Tensor change_of(const std::string& name) {
    for (const Parameter& parameter : model_.parameters()) {
      if (parameter.name == name) return parameter.tensor->detach() - original_.at(name);
    }
    return {};
  }
  static double furthest(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

  Checkpoint base_;
  Tokenizer tokenizer_;
  CausalLM model_;
  RunData data_;
  Recipe recipe_;
  std::map<std::string, at::Tensor> original_;
  fs::path metrics_;
};

const std::string kQuery = "model.layers.0.self_attn.q_proj.weight", kDown = "model.layers.0.mlp.down_proj.weight";

TEST_F(Stage2Test, DefaultsNegateTheWholeTaskVector) {
  Tuning tuning(model_, recipe_);
  for (const Parameter& parameter : model_.parameters()) parameter.tensor->requires_grad_(false);
  const auto moved = train();
  Stage2Vector stage2 = prepare({}, tuning);
  stage2.apply(0.5);
  EXPECT_LT(furthest(change_of(kQuery), -0.5 * moved.at(kQuery)), 1e-6);
}

TEST_F(Stage2Test, FactorsScaleAlphaByTheFirstPatternThatFits) {
  Tuning tuning(model_, recipe_);
  for (const Parameter& parameter : model_.parameters()) parameter.tensor->requires_grad_(false);
  const auto moved = train();
  Stage2Vector stage2 = prepare({"negation.factors={mlp: 0.25, self_attn: 0}"}, tuning);
  stage2.apply(0.8);
  EXPECT_LT(furthest(change_of(kDown), -0.8 * 0.25 * moved.at(kDown)), 1e-6);
  EXPECT_LT(furthest(change_of(kQuery), at::zeros_like(moved.at(kQuery))), 1e-6);
  EXPECT_LT(furthest(change_of("model.norm.weight"), -0.8 * moved.at("model.norm.weight")), 1e-6);
}

TEST_F(Stage2Test, APatternThatFitsNoWeightIsRefused) {
  Tuning tuning(model_, recipe_);
  for (const Parameter& parameter : model_.parameters()) parameter.tensor->requires_grad_(false);
  train();
  EXPECT_THROW(prepare({"negation.factors={h.0.attn: 0}"}, tuning), Error);
}

TEST_F(Stage2Test, RankKeepsTheStrongestDirectionsOfEachMatrix) {
  Tuning tuning(model_, recipe_);
  for (const Parameter& parameter : model_.parameters()) parameter.tensor->requires_grad_(false);
  const auto moved = train();
  Stage2Vector stage2 = prepare({"negation.rank=2"}, tuning);
  stage2.apply(1);
  EXPECT_LT(furthest(change_of(kDown), -low_rank(moved.at(kDown), 2)), 1e-5);
  EXPECT_LT(furthest(change_of("model.norm.weight"), -moved.at("model.norm.weight")), 1e-6);
}

TEST_F(Stage2Test, AnAdapterIsShapedWithinItsOwnForm) {
  recipe_ = with_settings(recipe_, {"tuning=lora", "lora={rank: 4, alpha: 4, targets: [q_proj, down_proj]}"});
  Tuning tuning(model_, recipe_);
  std::map<std::string, at::Tensor> products;
  for (const NamedLora& lora : tuning.pairs()) {
    lora.pair->b = 0.05 * at::randn(lora.pair->b.sizes(), at::kFloat);
    products[lora.module] = at::mm(lora.pair->b, lora.pair->a.detach());
  }
  Stage2Vector stage2 = prepare({"negation.factors={q_proj: 0.5}", "negation.rank=1"}, tuning);
  stage2.apply(0.4);
  for (const NamedLora& lora : tuning.pairs()) {
    const double factor = lora.module.ends_with("q_proj") ? 0.5 : 1;
    const at::Tensor update = lora.pair->scale * at::mm(lora.pair->b, lora.pair->a.detach());
    EXPECT_LT(furthest(update, -0.4 * factor * low_rank(products.at(lora.module), 1)), 1e-6);
  }
}

// Full tuning and adapters alike: what is left after the repair is nearer to the original, and is added, not
// subtracted.
TEST_F(Stage2Test, RepairBringsNormalAnswersBack) {
  for (const char* kind : {"full", "lora"}) {
    begin(kind, "{rank: 4, alpha: 4, targets: [q_proj, down_proj]}");
    DivergenceMeter meter(model_, data_.examples, data_.normal.train);
    Tuning tuning(model_, recipe_);
    const at::NoGradGuard no_gradient;
    if (tuning.lora()) {
      for (const NamedLora& lora : tuning.pairs())
        lora.pair->b.copy_(0.2 * at::randn(lora.pair->b.sizes(), at::kFloat));
    } else {
      for (const Parameter& parameter : model_.parameters())
        parameter.tensor->add_(0.03 * at::randn(parameter.shape, at::kFloat));
    }
    Stage2Vector plain = prepare({}, tuning);
    plain.apply(1);
    const double before = meter.measure(model_);
    plain.apply(-1);  // what stage 1 trained
    plain.vector->retake();
    {
      const at::AutoGradMode gradients(true);
      Stage2Vector repaired =
          prepare({"negation.repair={steps: 8, lr: 2e-3, alpha: 1}", "training.batch=4", "training.clip=1"}, tuning);
      EXPECT_EQ(repaired.sign, 1);
      repaired.apply(1);
      const double after = meter.measure(model_);
      EXPECT_GT(before, 0.01) << kind;
      EXPECT_LT(after, 0.5 * before) << kind;
      repaired.apply(0);
      EXPECT_LT(meter.measure(model_), 1e-6) << kind;
    }
  }
}

TEST_F(Stage2Test, SaysHowMuchTrainingChanged) {
  for (const char* kind : {"full", "lora"}) {
    begin(kind, "{rank: 4, alpha: 8, targets: [q_proj, down_proj]}");
    Tuning tuning(model_, recipe_);
    const at::NoGradGuard no_gradient;
    EXPECT_EQ(prepare({}, tuning).vector->change(), 0) << kind;
    double squares = 0, weights = 0;
    const auto add = [&](const at::Tensor& moved) {
      squares += moved.square().sum(at::kDouble).item<double>();
      weights += static_cast<double>(moved.numel());
    };
    if (tuning.lora()) {
      for (const NamedLora& lora : tuning.pairs()) {
        lora.pair->b.copy_(at::randn(lora.pair->b.sizes(), at::kFloat));
        add(lora.pair->scale * at::mm(lora.pair->b, lora.pair->a));
      }
    } else {
      for (const auto& [name, moved] : train()) add(moved);
    }
    Stage2Vector stage2 = prepare({}, tuning);
    const double expected = std::sqrt(squares / weights);
    EXPECT_NEAR(stage2.vector->change(), expected, 1e-4 * expected) << kind;
    stage2.apply(0);  // whatever is applied
    EXPECT_NEAR(stage2.vector->change(), expected, 1e-4 * expected) << kind;
  }
}

TEST_F(Stage2Test, WeightsThatAreNoNumbersAreNotWritten) {
  for (const char* kind : {"full", "lora"}) {
    begin(kind, "{rank: 4, alpha: 4, targets: [q_proj]}");
    Tuning tuning(model_, recipe_);
    const at::NoGradGuard no_gradient;
    if (tuning.lora()) {
      tuning.pairs()[0].pair->b.fill_(NAN);
    } else {
      for (const Parameter& parameter : model_.parameters()) parameter.tensor->view(-1)[0] = NAN;
    }
    Stage2Vector stage2 = prepare({}, tuning);
    const fs::path folder = fs::path(testing::TempDir()) / "lethe_stage2_broken";
    const auto expect_refused = [&](const std::function<void()>& write) {
      fs::remove_all(folder);
      fs::create_directories(folder);
      try {
        write();
        ADD_FAILURE() << kind << " was written";
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("NaN or infinity"), std::string::npos) << error.what();
      }
    };
    expect_refused([&] { stage2.write(0.5, folder); });
    expect_refused([&] { stage2.vector->write_trained(folder); });
    fs::remove_all(folder);
  }
}

// With both kinds of tuning, and whatever was applied before.
TEST_F(Stage2Test, WhatIsWrittenIsWhatIsApplied) {
  for (const char* kind : {"full", "lora"}) {
    begin(kind, "{rank: 4, alpha: 4, targets: [q_proj]}");
    Tuning tuning(model_, recipe_);
    const at::NoGradGuard no_gradient;
    if (tuning.lora()) {
      for (const NamedLora& lora : tuning.pairs()) lora.pair->b.copy_(at::randn(lora.pair->b.sizes(), at::kFloat));
    } else {
      train();
    }
    Stage2Vector stage2 = prepare({}, tuning);
    stage2.apply(0.9);
    const fs::path folder = fs::path(testing::TempDir()) / ("lethe_stage2_" + std::string(kind));
    fs::remove_all(folder);
    fs::create_directories(folder);
    stage2.write(0.5, folder);
    stage2.apply(0.5);
    CausalLM written = tuning.lora() ? load_model(base_) : load_model(Checkpoint(folder));
    if (tuning.lora()) attach_lora(written, Adapter(folder));
    DivergenceMeter meter(written, data_.examples, data_.normal.train);
    EXPECT_LT(meter.measure(model_), 1e-6) << kind;
    stage2.apply(0);
    EXPECT_GT(meter.measure(model_), 1e-3) << kind;
    fs::remove_all(folder);
  }
}

TEST_F(Stage2Test, OnlyTheChosenWeightsTrain) {
  recipe_ = with_settings(recipe_, {"training.weights=mlp"});
  Tuning tuning(model_, recipe_);
  for (const Parameter& parameter : model_.parameters())
    EXPECT_EQ(parameter.tensor->requires_grad(), parameter.name.find("mlp") != std::string::npos) << parameter.name;
  EXPECT_THROW(Tuning(model_, with_settings({}, {"training.weights=nowhere"})), Error);
}

}  // namespace
}  // namespace lethe
