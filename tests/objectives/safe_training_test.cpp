// The loss of contrast's safe half against transformers in float64 (tools/fixtures/safe_training.py).
#include "objectives/safe_training.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "formats/checkpoint.h"
#include "models/loading.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class SafeTraining : public testing::Test {
 protected:
  static fs::path demo() { return fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"; }
  SafeTraining()
      : wanted_(read_json(fs::path(LETHE_FIXTURES) / "objectives" / "safe_training.json")),
        tokenizer_(Tokenizer::load(demo())),
        model_(load_model(Checkpoint(demo()))),
        examples_(tokenizer_, Template::parse(Template::sku_default), {.append_eos = false, .max_length = 128}) {
    for (const char* kind : {"harmful", "normal"}) {
      for (const Json& row : wanted_.at(kind))
        (std::string(kind) == "harmful" ? rows_.harmful : rows_.normal)
            .push_back({row.at("prompt").get<std::string>(), row.at("answer").get<std::string>()});
    }
  }
  // After the reference was taken: θ moves away from θ_o, as in the fixture.
  void move() {
    for (const Parameter& parameter : model_.parameters()) {
      *parameter.tensor = *parameter.tensor * 1.1;
      parameter.tensor->requires_grad_(true);
    }
  }

  Json wanted_;
  Tokenizer tokenizer_;
  CausalLM model_;
  ExampleMaker examples_;
  StepRows rows_;
};

TEST_F(SafeTraining, LossAndGradientAreThoseOfTransformers) {
  for (const char* kind : {"harmful", "normal"}) {
    for (const Json& row : wanted_.at(kind)) {
      const Example& made =
          examples_.example(Pair{row.at("prompt").get<std::string>(), row.at("answer").get<std::string>(), "", 0});
      ASSERT_EQ(made.ids.size(), row.at("tokens").get<std::size_t>());
      ASSERT_EQ(made.response_begin, row.at("begin").get<std::size_t>());
    }
  }
  StoredReference reference(model_, examples_, rows_.normal);
  move();
  SafeObjective objective(
      model_, examples_, reference, [&](std::uint64_t) { return rows_; }, wanted_.at("eps_kl").get<double>());
  const StepLoss found = objective.loss(0);
  const auto terms = values_of(found.terms);
  EXPECT_EQ(terms.size(), 2U);
  EXPECT_NEAR(terms.at("safe"), wanted_.at("safe").get<double>(), 2e-5);
  EXPECT_NEAR(terms.at("kl"), wanted_.at("kl").get<double>(), 2e-5);
  EXPECT_NEAR(found.loss.item<double>(), wanted_.at("loss").get<double>(), 3e-5);
  found.loss.backward();
  for (const Parameter& parameter : model_.parameters()) {
    if (!wanted_.at("gradient").contains(parameter.name)) continue;
    const double norm = wanted_.at("gradient").at(parameter.name).get<double>();
    EXPECT_NEAR(parameter.tensor->grad().norm().item<double>(), norm, 1e-4 * norm) << parameter.name;
  }
}

TEST_F(SafeTraining, WithoutItsWeightTheDivergenceIsNotComputed) {
  class None : public Reference {
   public:
    at::Tensor states(std::span<const Pair>) override { throw std::logic_error("the reference was read"); }
    Head head() override { throw std::logic_error("the reference was read"); }
  } none;
  SafeObjective objective(
      model_, examples_, none, [&](std::uint64_t) { return rows_; }, 0);
  const StepLoss found = objective.loss(0);
  EXPECT_EQ(found.terms.size(), 1U);
  EXPECT_NEAR(found.loss.item<double>(), values_of(found.terms).at("safe"), 1e-5);
}

}  // namespace
}  // namespace lethe
