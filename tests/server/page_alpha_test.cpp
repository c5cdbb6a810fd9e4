// The slider of the page: other α in place, exactly, and back to the stored bits.
#include "server/page_alpha.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "models/loading.h"
#include "runs/small_world.h"
#include "runs/task_vector.h"
#include "server/made_run.h"

namespace lethe {
namespace {

class AlphaDialTest : public MadeRun {
 protected:
  // All weights as they act: with the adapters folded in.
  static Weights acting(CausalLM& model) {
    Weights weights;
    for (const Parameter& parameter : model.parameters()) weights[parameter.name] = *parameter.tensor;
    for (const NamedLinear& linear : model.linears()) {
      if (linear.linear->defined())
        weights[linear.name + ".weight"] = folded_weight(*linear.linear);  // a tied head is not
    }
    return weights;
  }
  static void expect_same_bits(const Weights& a, const Weights& b) {
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [name, value] : a) EXPECT_TRUE(at::equal(value, b.at(name))) << name;
  }
  static bool same_bits(const Weights& a, const Weights& b) {
    return std::all_of(a.begin(), a.end(), [&](const auto& one) { return at::equal(one.second, b.at(one.first)); });
  }
};

TEST_F(AlphaDialTest, AnAdapterIsScaledAndComesBackToItsStoredBits) {
  const ComparedRun run = lora_run(0.4);
  AlphaDial dial(run, base_.folder(), {});
  CausalLM model = load_model(base_);
  dial.attach(model);
  const Weights stored = acting(model);
  CausalLM other = load_model(base_);
  const std::vector<NamedLora> pairs = attach_lora(other, Adapter(run.folder / "adapter"));
  expect_same_bits(stored, acting(other));
  const std::unique_ptr<TaskVector> vector = task_vector_of(other, base_, pairs, run.recipe);
  for (const double alpha : {0.1, 0.7, 1.0, 0.33}) {
    dial.set(model, alpha);
    vector->apply(alpha / 0.4);  // as a sweep measures it
    expect_same_bits(acting(model), acting(other));
    EXPECT_FALSE(same_bits(acting(model), stored));
  }
  dial.set(model, 0);
  CausalLM original = load_model(base_);
  expect_same_bits(acting(model), acting(original));
  dial.set(model, 0.4);
  expect_same_bits(acting(model), stored);
  EXPECT_EQ(dial.alpha(), 0.4);
}

TEST_F(AlphaDialTest, TheHalvesOfAContrastAreSwitchedApart) {
  const ComparedRun run = lora_run(0.4, {"method=contrast"});
  ASSERT_TRUE(run.has_halves());
  AlphaDial dial(run, base_.folder(), {});
  CausalLM model = load_model(base_);
  dial.attach(model);
  const Weights stored = acting(model);
  dial.set(model, 0.4, {.safe = 1, .harm = 0});
  CausalLM other = load_model(base_);
  scale_joined_half(attach_lora(other, Adapter(run.folder / "adapter")), 0);
  const Weights safe_alone = acting(model), wanted = acting(other);
  for (const auto& [name, value] : wanted)
    EXPECT_LE((value - safe_alone.at(name)).abs().max().item<double>(), 1e-6) << name;
  EXPECT_FALSE(same_bits(safe_alone, stored));
  dial.set(model, 0.4, {.safe = 0, .harm = 0});
  CausalLM original = load_model(base_);
  expect_same_bits(acting(model), acting(original));
  dial.set(model, 0.4);
  expect_same_bits(acting(model), stored);
}

TEST_F(AlphaDialTest, WeightsAreThoseOfASweepAndComeBackToTheStoredBits) {
  const ComparedRun run = full_run(0.6);
  const Checkpoint tuned(run.folder / "model");
  AlphaDial dial(run, base_.folder(), {});
  CausalLM model = load_model(tuned, {.mapped = true});  // must not be written to
  dial.attach(model);
  const Weights stored = acting(model);
  CausalLM other = load_model(tuned);
  const std::unique_ptr<TaskVector> vector = task_vector_of(other, base_, {}, run.recipe);
  CausalLM original = load_model(base_);
  const Weights origin = acting(original);
  for (const double alpha : {0.1, 0.9, 1.0, 0.5999}) {
    dial.set(model, alpha);
    vector->apply(alpha / 0.6);
    const Weights now = acting(model);
    expect_same_bits(now, acting(other));
    // Against the formula in float64: an ulp for each of the three operations.
    for (const auto& [name, value] : now) {
      const at::Tensor before = origin.at(name).to(at::kDouble),
                       change = (stored.at(name).to(at::kDouble) - before) * (alpha / 0.6);
      const at::Tensor bound = 3 * std::ldexp(1.0, -24) * (before.abs() + 2 * change.abs()) + 1e-45;
      EXPECT_TRUE(((value.to(at::kDouble) - before - change).abs() <= bound).all().item<bool>()) << name;
    }
  }
  dial.set(model, 0);
  expect_same_bits(acting(model), origin);
  dial.set(model, 0.6);
  expect_same_bits(acting(model), stored);
  CausalLM again = load_model(tuned);
  expect_same_bits(acting(model), acting(again));  // the files were not written to
}

TEST_F(AlphaDialTest, SixteenBitWeightsAreRoundedOnce) {
  const ComparedRun run = full_run(0.6);
  AlphaDial wide(run, base_.folder(), {}), narrow(run, base_.folder(), {.dtype = at::kBFloat16});
  const Checkpoint tuned(run.folder / "model");
  CausalLM exact = load_model(tuned), rounded = load_model(tuned, {.dtype = at::kBFloat16});
  const Weights stored = acting(rounded);
  wide.set(exact, 0.25);
  narrow.set(rounded, 0.25);
  Weights wanted;
  for (const auto& [name, value] : acting(exact)) wanted[name] = value.to(at::kBFloat16);
  expect_same_bits(acting(rounded), wanted);
  narrow.set(rounded, 0.6);
  expect_same_bits(acting(rounded), stored);
}

TEST_F(AlphaDialTest, AWeightThatWouldNotBeFiniteIsRefusedAndTheRunsOwnComeBack) {
  ComparedRun run = full_run(0.6);
  AlphaDial dial(run, base_.folder(), {.dtype = at::kHalf});
  const Checkpoint tuned(run.folder / "model");
  CausalLM model = load_model(tuned, {.dtype = at::kHalf});
  const Weights stored = acting(model);
  dial.set(model, 0.25);
  EXPECT_FALSE(same_bits(acting(model), stored));
  EXPECT_THROW(dial.set(model, 1e9), Error);
  EXPECT_EQ(dial.alpha(), 0.6);
  expect_same_bits(acting(model), stored);  // all of them, not some of 0.25
  dial.set(model, 0);
  CausalLM original = load_model(base_, {.dtype = at::kHalf});
  expect_same_bits(acting(model), acting(original));
}

}  // namespace
}  // namespace lethe
