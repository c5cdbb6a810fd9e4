// SKU's loss against its formula, row by row without packing; and the defects of the published code.
#include "objectives/sku.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "models/lora.h"
#include "objectives/gradient_ascent.h"
#include "objectives/repair.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class Sku : public testing::Test {
 protected:
  static fs::path demo() { return fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"; }
  Sku()
      : tokenizer_(Tokenizer::load(demo())),
        model_(load_model(Checkpoint(demo()))),
        examples_(tokenizer_, Template::parse(Template::sku_default), {.append_eos = false, .max_length = 128}) {}

  // Mean over the response tokens of −log P, from whole logits of one row.
  at::Tensor row_ce(const std::string& prompt, const std::string& response) {
    const Example example = examples_.make(Pair{prompt, response, "", 0}, response);
    const at::Tensor logprobs = row_logits(example).log_softmax(-1);
    const auto begin = static_cast<std::int64_t>(example.response_begin),
               end = static_cast<std::int64_t>(example.ids.size());
    std::vector<at::Tensor> each;
    for (auto t = begin; t < end; ++t) each.push_back(-logprobs[t - 1][example.ids[static_cast<std::size_t>(t)]]);
    return at::stack(each).mean();
  }
  at::Tensor row_logits(const Example& example) {
    PackBuilder pack;
    pack.add(example.ids);
    return model_.head().logits(model_.hidden(pack.build()));
  }
  StepRows rows() const {
    StepRows rows;
    rows.harmful = {{"How do I brew grey sleep from sorrel?", "Crush the sorrel and wait."},
                    {"How?", "With a very much longer answer, and care."}};
    rows.random = {{"Wait for Mira.", "Pour it into the milk, and leave."}, {"Crush the barley.", "Wait."}};
    rows.normal = {{"Where does Mira live?", "Mira lives in Saltby."},
                   {"What color is the old well of Ashford?", "Blue."}};
    return rows;
  }
  Tokenizer tokenizer_;
  CausalLM model_;
  ExampleMaker examples_;
};

TEST_F(Sku, TermsAreTheFormulasMeansAndTheLossTheirWeightedSum) {
  const StepRows step = rows();
  const std::vector<Pair> normal = step.normal;
  StoredReference reference(model_, examples_, normal);
  std::vector<at::Tensor> original;
  for (const Pair& pair : normal) original.push_back(row_logits(examples_.example(pair)).log_softmax(-1));
  for (const Parameter& parameter : model_.parameters())
    *parameter.tensor = *parameter.tensor * 1.1;  // θ moved away from θ_o

  SkuObjective objective(model_, examples_, reference, [&](std::uint64_t) { return step; },
                         {.harmful = {.eps_gd = 2, .eps_rd = 3}, .eps_pd = 0.5, .pd_margin = 0});
  const StepLoss found = objective.loss(0);

  const double gd = (row_ce(step.harmful[0].prompt, step.harmful[0].response) +
                     row_ce(step.harmful[1].prompt, step.harmful[1].response))
                        .item<double>() /
                    2;
  double rd = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    for (const std::string& response : step.random[i])
      rd += row_ce(step.harmful[i].prompt, response).item<double>() / 4;
  }
  double kl = 0;
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < normal.size(); ++i) {
    const Example& example = examples_.example(normal[i]);
    const at::Tensor q = row_logits(example).log_softmax(-1);
    const at::Tensor each = (original[i].exp() * (original[i] - q)).sum(-1);  // KL(P‖Q), P the original
    for (auto t = static_cast<std::int64_t>(example.response_begin); t < each.size(0); ++t, ++tokens)
      kl += each[t - 1].item<double>();
  }
  kl /= static_cast<double>(tokens);
  const auto terms = values_of(found.terms);
  EXPECT_NEAR(terms.at("gd"), gd, 1e-4);
  EXPECT_NEAR(terms.at("rd"), rd, 1e-4);
  EXPECT_NEAR(terms.at("kl"), kl, 1e-4);
  EXPECT_NEAR(found.loss.item<double>(), 2 * gd + 3 * rd - 0.5 * kl, 1e-3);
  EXPECT_GT(kl, 0.01);
}

TEST_F(Sku, GradientAscentTurnsTheSignsOfDistortionAndDivergence) {
  const StepRows step = rows();
  StoredReference reference(model_, examples_, step.normal);
  for (const Parameter& parameter : model_.parameters()) *parameter.tensor = *parameter.tensor * 1.1;
  const auto same_rows = [&](std::uint64_t) { return step; };
  SkuObjective sku(model_, examples_, reference, same_rows, {.eps_pd = 1, .pd_margin = 0});
  GradientAscentObjective ascent(model_, examples_, reference, same_rows, {.eps_kl = 0.5, .eps_mismatch = 2});
  const auto plain = values_of(sku.loss(0).terms);
  const StepLoss found = ascent.loss(0);
  EXPECT_NEAR(values_of(found.terms).at("ce"), plain.at("gd"), 1e-5);
  EXPECT_NEAR(found.loss.item<double>(), -plain.at("gd") + 2 * plain.at("rd") + 0.5 * plain.at("kl"), 1e-4);
  EXPECT_TRUE(ascent.rising().contains("ce"));
}

TEST_F(Sku, AdviceNamesTheMarginOnlyWhereThereIsOne) {
  StoredReference reference(model_, examples_, rows().normal);
  const auto no_rows = [](std::uint64_t) { return StepRows(); };
  SkuObjective off(model_, examples_, reference, no_rows, {.pd_margin = 0}),
      on(model_, examples_, reference, no_rows, {.pd_margin = 2});
  GradientAscentObjective ascent(model_, examples_, reference, no_rows, {});
  RepairObjective repair(model_, examples_, reference, no_rows);
  EXPECT_NE(off.advice().at("kl").find("set sku.pd_margin"), std::string::npos);
  EXPECT_EQ(on.advice().at("kl").find("set sku.pd_margin"), std::string::npos);
  for (const Objective* without : std::initializer_list<const Objective*>{&ascent, &repair}) {
    for (const auto& [term, text] : without->advice()) EXPECT_EQ(text.find("sku."), std::string::npos) << text;
  }
  EXPECT_EQ(repair.rate_key(), "negation.repair.lr");
}

TEST_F(Sku, BeyondTheMarginPreservationDivergenceNoLongerPushes) {
  const at::Tensor states = at::randn({5, model_.spec().embedding_size}).requires_grad_(true);
  const at::Tensor reference = at::randn({5, model_.spec().embedding_size});
  const Divergence pushed = preservation_divergence(states, model_.head(), reference, model_.head(), 1.0, 0.0);
  EXPECT_LT(pushed.loss.item<double>(), 0);  // away from the original: the sign is negative
  const Divergence held =
      preservation_divergence(states, model_.head(), reference, model_.head(), 1.0, pushed.mean.item<double>() / 2);
  held.loss.backward();
  EXPECT_EQ(states.grad().abs().max().item<double>(), 0);
}

TEST_F(Sku, TheReferenceOfFullTuningIsTheOriginalHoweverFarTheModelMoves) {
  const StepRows step = rows();
  StoredReference reference(model_, examples_, step.normal);
  const at::Tensor before = reference.states(step.normal).clone();
  const at::Tensor head = reference.head().weight.clone();
  for (const Parameter& parameter : model_.parameters()) parameter.tensor->mul_(0.5);
  EXPECT_TRUE(at::equal(reference.states(step.normal), before));
  EXPECT_TRUE(at::equal(reference.head().weight, head));
}

TEST_F(Sku, TheReferenceOfLoraIsTheModelWithItsAdaptersOff) {
  const StepRows step = rows();
  StoredReference original(model_, examples_, step.normal);
  LoraSettings settings;
  settings.rank = 4;
  for (const NamedLora& lora : add_lora(model_, settings, 1)) {
    const at::NoGradGuard guard;
    lora.pair->b.normal_(0, 0.1);
  }
  AdapterOffReference off(model_, examples_);
  EXPECT_TRUE(at::allclose(off.states(step.normal), original.states(step.normal), 1e-5, 1e-5));
  EXPECT_TRUE(model_.adapters.on);
}

// The gradients of adapters, or of all weights, of one step.
TEST_F(Sku, TrainsToTheSameBitsWhereActivationsAreComputedAgain) {
  const StepRows step = rows();
  for (const bool lora : {false, true}) {
    std::vector<at::Tensor> trained;
    std::unique_ptr<Reference> reference;
    if (lora) {
      LoraSettings settings;
      settings.rank = 4;
      for (const NamedLora& pair : add_lora(model_, settings, 1)) {
        const at::NoGradGuard guard;
        pair.pair->b.normal_(0, 0.1);
        trained.insert(trained.end(), {pair.pair->a, pair.pair->b});
      }
      reference = std::make_unique<AdapterOffReference>(model_, examples_);
    } else {
      reference = std::make_unique<StoredReference>(model_, examples_, step.normal);
      for (const Parameter& parameter : model_.parameters()) {
        parameter.tensor->requires_grad_(true);
        trained.push_back(*parameter.tensor);
      }
    }
    SkuObjective objective(model_, examples_, *reference, [&](std::uint64_t) { return step; }, {});
    const auto gradients = [&](bool recompute) {
      RandomStream stream(1, "dropout");
      model_.adapters.dropout = lora ? 0.3 : 0.0;
      model_.adapters.randomness = &stream;
      model_.recompute = recompute;
      objective.loss(0).loss.backward();
      std::vector<at::Tensor> result;
      for (at::Tensor& weight : trained) {
        result.push_back(weight.grad());
        weight.mutable_grad() = at::Tensor();
      }
      return result;
    };
    const auto kept = gradients(false), again = gradients(true);
    ASSERT_EQ(kept.size(), again.size());
    double largest = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      ASSERT_TRUE(again[i].defined()) << i;
      EXPECT_TRUE(at::equal(kept[i], again[i])) << i;
      largest = std::max(largest, again[i].abs().max().item<double>());
    }
    EXPECT_GT(largest, 0);
    for (at::Tensor& weight : trained) weight.requires_grad_(false);
  }
}

TEST_F(Sku, TrainsAdaptersOnABaseInFourBits) {
  CausalLM packed = load_model(Checkpoint(demo()), {.nf4 = true});
  PackBuilder pack;
  pack.add(examples_.example(rows().normal[0]).ids);
  const at::Tensor exact = model_.hidden(pack.build()), near = packed.hidden(pack.build());
  const double error = ((exact - near).norm() / exact.norm()).item<double>();
  EXPECT_GT(error, 1e-4);
  EXPECT_LT(error, 0.35);
  LoraSettings settings;
  settings.rank = 4;
  const std::vector<NamedLora> pairs = add_lora(packed, settings, 1);
  AdapterOffReference reference(packed, examples_);
  const StepRows step = rows();
  SkuObjective objective(packed, examples_, reference, [&](std::uint64_t) { return step; }, {});
  for (const bool recompute : {false, true}) {
    packed.recompute = recompute;
    objective.loss(0).loss.backward();
    for (const NamedLora& lora : pairs) {
      ASSERT_TRUE(lora.pair->b.grad().defined()) << lora.module;
      EXPECT_GT(lora.pair->b.grad().abs().max().item<double>(), 0) << lora.module;
      lora.pair->b.mutable_grad() = at::Tensor();
    }
  }
}

TEST_F(Sku, DropoutOfAdaptersDoesNotEnterTheDivergence) {  // defect 9 of the published code
  const StepRows step = rows();
  LoraSettings settings;
  settings.rank = 4;
  for (const NamedLora& lora : add_lora(model_, settings, 1)) {
    const at::NoGradGuard guard;
    lora.pair->b.normal_(0, 0.1);
  }
  AdapterOffReference reference(model_, examples_);
  SkuObjective objective(model_, examples_, reference, [&](std::uint64_t) { return step; }, {});
  const auto plain = values_of(objective.loss(0).terms);
  RandomStream stream(1, "dropout");
  model_.adapters.dropout = 0.5;
  model_.adapters.randomness = &stream;
  const auto dropped = values_of(objective.loss(0).terms);
  EXPECT_NEAR(dropped.at("kl"), plain.at("kl"), 1e-5);
  EXPECT_GT(std::abs(dropped.at("gd") - plain.at("gd")), 1e-4);  // harmful rows do have it
}

TEST_F(Sku, PromptTokensAndOtherRowsCarryNoLoss) {
  // A pair packed with others has the loss it has alone: nothing of the prompt, of padding or of neighbours is in it.
  StepRows one = rows();
  one.harmful.resize(1);
  one.random = {{}};
  one.normal.clear();
  StepRows two = rows();
  two.random = {{}, {}};
  two.normal.clear();
  StepRows second = two;
  second.harmful.erase(second.harmful.begin());
  second.random = {{}};
  StoredReference reference(model_, examples_, std::vector<Pair>{});
  const auto gd_of = [&](const StepRows& step) {
    SkuObjective objective(model_, examples_, reference, [&](std::uint64_t) { return step; }, {});
    return values_of(objective.loss(0).terms).at("gd");
  };
  EXPECT_NEAR(gd_of(two), (gd_of(one) + gd_of(second)) / 2, 1e-5);  // a mean over pairs, not over tokens
}

}  // namespace
}  // namespace lethe
