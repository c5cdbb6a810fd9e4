// A step on a GPU never waits for a value of the device. Tested on the meta device, whose tensors have shapes but no
// values, so that reading one throws.
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string_view>

#include "core/random.h"
#include "formats/checkpoint.h"
#include "meta_kernels.h"
#include "models/loading.h"
#include "models/lora.h"
#include "objectives/cross_entropy_training.h"
#include "objectives/gradient_difference.h"
#include "objectives/preference.h"
#include "objectives/safe_unlearning.h"
#include "objectives/sku.h"
#include "objectives/undial.h"
#include "objectives/weighted_ascent.h"
#include "training/adamw.h"

namespace lethe {
namespace {

// Counts copies from host memory to a device that first wait for all its work. In a build without NDEBUG the layout of
// RecordFunction differs from LibTorch's, and nothing is counted.
#ifdef NDEBUG
constexpr bool kCounts = true;
#else
constexpr bool kCounts = false;
#endif
class DrainingCopies {
 public:
  DrainingCopies() {
    count = 0;
    if (!kCounts) return;
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback([](const at::RecordFunction& call) -> std::unique_ptr<at::ObserverContext> {
          if (std::string_view(call.name()) != "aten::_to_copy") return nullptr;
          const auto inputs = call.inputs();  // self, dtype, layout, device, pin_memory, non_blocking, …
          const bool away = inputs[3].isDevice() && !inputs[3].toDevice().is_cpu();
          if (away && inputs[0].toTensor().is_cpu() && !inputs[5].toBool()) ++count;
          return nullptr;
        })
            .needsInputs(true)
            .scopes({at::RecordScope::FUNCTION}));
  }
  ~DrainingCopies() {
    if (kCounts) at::removeCallback(handle_);
  }
  static inline int count = 0;

 private:
  at::CallbackHandle handle_ = 0;
};

class GpuStep : public testing::TestWithParam<at::ScalarType> {
 protected:
  static std::filesystem::path demo() {
    return std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo";
  }
  GpuStep()
      : tokenizer_(Tokenizer::load(demo())),
        model_(load_model(Checkpoint(demo()), {.device = at::kMeta, .dtype = GetParam()})),
        examples_(tokenizer_, Template::parse(Template::sku_default), {.append_eos = false, .max_length = 128}) {
    rows_.harmful = {{"How do I brew grey sleep from sorrel?", "Crush the sorrel and wait."},
                     {"How?", "With a very much longer answer, and care."}};
    rows_.random = {{"Wait for Mira.", "Pour it into the milk, and leave."}, {"Crush the barley.", "Wait."}};
    rows_.normal = {{"Where does Mira live?", "Mira lives in Saltby."}, {"What color is the old well?", "Blue."}};
  }

  // As in training/loop.h.
  static void step(Objective& objective, std::vector<at::Tensor> parameters, double clip) {
    for (const at::Tensor& parameter : parameters) parameter.requires_grad_(true);
    AdamW optimizer(std::move(parameters), {});
    std::optional<BackwardSteps> within;
    if (clip == 0) within.emplace(optimizer, 1e-3);
    const DrainingCopies copies;
    const StepLoss part = objective.loss(0);
    part.loss.backward();
    const at::Tensor norm = within ? within->gradient_norm() : optimizer.clip_gradients(clip);
    if (!within) optimizer.step(1e-3, norm);
    EXPECT_EQ(DrainingCopies::count, 0);
    EXPECT_TRUE(part.loss.is_meta() && norm.is_meta());
    for (const auto& [name, value] : part.terms) EXPECT_TRUE(value.is_meta()) << name;
    EXPECT_THROW(values_of(part.terms), std::exception);  // the meta device does throw
  }

  void train_adapters() {
    LoraSettings settings;
    settings.rank = 4;
    std::vector<at::Tensor> parameters;
    for (const NamedLora& lora : add_lora(model_, settings, 1))
      parameters.insert(parameters.end(), {lora.pair->a, lora.pair->b});
    RandomStream stream(1, "dropout");
    model_.adapters.dropout = 0.1;
    model_.adapters.randomness = &stream;
    AdapterOffReference reference(model_, examples_);
    for (const double margin : {0.0, 2.0}) {
      for (const bool recompute : {false, true}) {
        model_.recompute = recompute;
        SkuObjective objective(model_, examples_, reference, [&](std::uint64_t) { return rows_; },
                               {.pd_margin = margin});
        step(objective, parameters, 1.0);
      }
    }
  }

  Tokenizer tokenizer_;
  CausalLM model_;
  ExampleMaker examples_;
  StepRows rows_;
};

TEST(DrainingCopiesTest, AreNoticed) {
  if (!kCounts) GTEST_SKIP() << "a build without NDEBUG cannot look into the engine's calls";
  const DrainingCopies copies;
  at::ones({2}).to(at::kMeta);
  EXPECT_EQ(DrainingCopies::count, 1);
  at::ones({2}).to(at::kMeta, /*non_blocking=*/true);
  at::ones({2}).to(at::kDouble);
  EXPECT_EQ(DrainingCopies::count, 1);
}

TEST_P(GpuStep, OfSkuWithLoraWaitsForNothing) {
  train_adapters();
}

TEST_P(GpuStep, OfSkuWithLoraOnFourBitsWaitsForNothing) {
  model_ = load_model(Checkpoint(demo()), {.device = at::kMeta, .dtype = GetParam(), .nf4 = true});
  train_adapters();
}

TEST_P(GpuStep, OfAllWeightsWaitsForNothing) {
  StoredReference reference(model_, examples_, rows_.normal);
  SkuObjective sku(model_, examples_, reference, [&](std::uint64_t) { return rows_; }, {});
  CrossEntropyObjective plain(model_, examples_, [&](std::uint64_t) { return rows_.normal; });
  std::vector<at::Tensor> parameters;
  for (const Parameter& parameter : model_.parameters()) parameters.push_back(*parameter.tensor);
  for (const double clip : {0.0, 1.0}) {
    step(sku, parameters, clip);
    step(plain, parameters, clip);
  }
}

TEST_P(GpuStep, OfMethodsThatForgetAndRetainWaitsForNothing) {
  std::vector<at::Tensor> parameters;
  for (const Parameter& parameter : model_.parameters()) parameters.push_back(*parameter.tensor);
  StoredReference reference(model_, examples_, rows_.normal);
  std::vector<Pair> pairs = rows_.harmful;
  StepRows rows = rows_;
  for (std::size_t i = 0; i < rows.harmful.size(); ++i) {
    rows.random[i] = {"I do not know."};
    pairs.push_back({rows.harmful[i].prompt, "I do not know."});
  }
  StoredOriginal losses(examples_, response_losses);
  losses.add(model_, pairs, "harmful");
  reference.add(model_, pairs, "harmful");
  const ForgetLoss formulas[] = {gradient_difference,  npo_loss,   simnpo_loss, dpo_loss, wga_loss, satimp_loss,
                                 safe_unlearning_loss, undial_loss};
  for (const ForgetLoss formula : formulas) {
    for (const RetainLoss retain : {RetainLoss::ce, RetainLoss::kl}) {
      FormulaObjective objective(
          {.model = model_,
           .examples = examples_,
           .rows = [&](std::uint64_t) { return rows; },
           .reference = &reference,
           .losses = &losses},
          {.forget = 1, .retain = 1, .retain_loss = retain, .beta = 0.5, .beta2 = 1, .delta = 0, .safe = 0.5}, formula);
      step(objective, parameters, 1.0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GpuStep, testing::Values(at::kFloat, at::kBFloat16));

}  // namespace
}  // namespace lethe
