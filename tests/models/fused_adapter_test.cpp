// LoRA on fused and on transposed projections equals PEFT's: folded into the weights, kept separate, and written again.
// Fixtures of tools/fixtures/fused_adapters.py.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"
#include "formats/adapter.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "models/lora.h"
#include "vectors/apply_adapter.h"

namespace lethe {
namespace {

class FusedAdapter : public testing::TestWithParam<std::string> {
 protected:
  std::filesystem::path fixtures() const { return LETHE_FIXTURES; }
  std::filesystem::path base() const { return fixtures() / "models" / GetParam(); }
  std::filesystem::path adapter() const { return fixtures() / "fused_adapters" / GetParam(); }

  void expect_logprobs(const CausalLM& model) const {
    const Json expected = read_json(adapter() / "expected.json");
    const auto row = expected["row"].get<std::vector<int>>();
    PackBuilder pack;
    pack.add(row);
    const at::Tensor logprobs = model.head().logits(model.hidden(pack.build())).log_softmax(-1);
    for (std::size_t j = 0; j + 1 < row.size(); ++j) {
      EXPECT_NEAR(logprobs[static_cast<std::int64_t>(j)][row[j + 1]].item<double>(),
                  expected["logprobs"][j].get<double>(), 1e-4)
          << "token " << j + 1;
    }
  }
};

TEST_P(FusedAdapter, FoldedIntoTheWeights) {
  const Checkpoint checkpoint(base());
  const Adapter opened(adapter());
  const AppliedAdapters applied(checkpoint, {{&opened, 1.0}});
  expect_logprobs(load_model(checkpoint, {.adapters = &applied}));
}

TEST_P(FusedAdapter, NextToTheWeightsAndWrittenAgain) {
  const Checkpoint checkpoint(base());
  CausalLM model = load_model(checkpoint);
  const Adapter opened(adapter());
  const std::vector<NamedLora> pairs = attach_lora(model, opened);
  expect_logprobs(model);

  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / ("fused_adapter_" + GetParam());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  write_adapter(pairs, {.rank = 3, .alpha = 6}, "base", folder);
  const Adapter again(folder);
  EXPECT_EQ(again.config()["fan_in_fan_out"], opened.config()["fan_in_fan_out"]);
  CausalLM other = load_model(checkpoint);
  attach_lora(other, again);
  expect_logprobs(other);
  std::filesystem::remove_all(folder);
}

TEST_P(FusedAdapter, TargetsThatItLacksAreRefusedWithThoseItHas) {
  CausalLM model = load_model(Checkpoint(base()));
  LoraSettings settings{.rank = 2, .alpha = 4};
  settings.targets.suffixes = {"q_proj", "v_proj"};
  settings.targets.pattern = "";
  std::string text;
  try {
    add_lora(model, settings, 1);
  } catch (const Error& error) {
    text = error.what();
  }
  EXPECT_NE(text.find("q_proj, v_proj"), std::string::npos) << text;
  const std::size_t at = text.find("lora.targets=");
  ASSERT_NE(at, std::string::npos) << text;
  // The suggestion is a module that the model has.
  std::string given = text.substr(at + 13);
  if (given.starts_with("[")) settings.targets.suffixes = {given.substr(1, given.find(']') - 1)};
  ASSERT_TRUE(given.starts_with("[")) << text;
  EXPECT_FALSE(add_lora(model, settings, 1).empty());
}

TEST_P(FusedAdapter, FreshOnesFitAndTrain) {
  CausalLM model = load_model(Checkpoint(base()));
  const LoraSettings settings{.rank = 2, .alpha = 4, .targets = {.suffixes = {}, .pattern = "all-linear"}};
  const std::vector<NamedLora> pairs = add_lora(model, settings, 1);
  PackBuilder pack;
  pack.add({1, 5, 9, 20});
  const at::Tensor hidden = model.hidden(pack.build()).slice(0, 0, 3);
  const at::Tensor targets = at::tensor(std::vector<std::int64_t>{5, 9, 20});
  cross_entropy(hidden, model.head(), targets, at::ones({3})).total.backward();
  for (const NamedLora& lora : pairs) EXPECT_GT(lora.pair->b.grad().abs().max().item<double>(), 0) << lora.module;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, FusedAdapter, testing::Values("gpt2_plain", "gpt_neox_parallel", "phi3_window"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace lethe
