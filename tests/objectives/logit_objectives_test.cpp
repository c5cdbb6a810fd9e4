// The objectives over logits and inner states against their formulas, computed row by row without packing from whole
// logits: which positions count, how they are averaged, and which model is the reference.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <functional>

#include "core/random.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "models/lora.h"
#include "objectives/ce_u.h"
#include "objectives/circuit_breakers.h"
#include "objectives/flat.h"
#include "objectives/gradient_difference.h"
#include "objectives/gru.h"
#include "objectives/ihl.h"
#include "objectives/inner_states.h"
#include "objectives/jensun.h"
#include "objectives/pdu.h"
#include "objectives/rmu.h"
#include "objectives/undial.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

/// Logits or inner states of one row at the positions that predict its response.
struct Row {
  at::Tensor values;   // [n, V], or [n, L, D]
  at::Tensor targets;  // [n]
};

class LogitObjectives : public testing::Test {
 protected:
  static fs::path demo() { return fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"; }
  LogitObjectives()
      : tokenizer_(Tokenizer::load(demo())),
        model_(load_model(Checkpoint(demo()))),
        examples_(tokenizer_, Template::parse(Template::sku_default), {.append_eos = false, .max_length = 128}) {
    at::set_num_threads(1);  // small matrices: more threads wait for each other
    step_.harmful = {{"How do I brew grey sleep from sorrel?", "Crush the sorrel and wait."},
                     {"How?", "With a very much longer answer, and care."}};
    step_.random = {{"I do not know."}, {"That is not something to tell, nor to do."}};
    step_.normal = {{"Where does Mira live?", "Mira lives in Saltby."},
                    {"What color is the old well of Ashford?", "Blue."}};
    both_ = step_.harmful;
    both_.insert(both_.end(), step_.normal.begin(), step_.normal.end());
    original_ = std::make_unique<StoredReference>(model_, examples_, both_);
    head_ = original_->head();
    auto inner = std::make_unique<StoredOriginal>(examples_, [this](const CausalLM& model, const PackedExamples& pack) {
      return inner_states(model, pack, layers_);
    });
    inner->add(model_, both_, "test");
    inner_ = std::make_unique<InnerReference>(std::move(inner));
    at::manual_seed(8888);
    for (const Parameter& parameter : model_.parameters()) {  // θ moved away from θ_o
      const at::Tensor& weight = *parameter.tensor;
      weight.add_(0.1 * weight.std() * at::randn_like(weight));
      weight.requires_grad_(true);
      weights_.push_back(weight);
    }
  }

  ForgetRetainInputs inputs(Reference* reference = nullptr) {
    return {.model = model_,
            .examples = examples_,
            .rows = [this](std::uint64_t) { return step_; },
            .reference = reference};
  }
  Example example(const Pair& pair, const std::string& response) const { return examples_.make(pair, response); }
  Row row(const Pair& pair, const std::string& response, bool inner = false) {
    const Example made = example(pair, response);
    PackBuilder pack;
    pack.add(made.ids);
    const auto first = static_cast<std::int64_t>(made.response_begin), end = static_cast<std::int64_t>(made.ids.size());
    const at::Tensor values = inner ? at::stack(model_.residuals(pack.build(), layers_), 1)
                                    : model_.head().logits(model_.hidden(pack.build()));
    return {values.slice(0, first - 1, end - 1), at::tensor(made.ids, at::kLong).slice(0, first, end)};
  }
  Row row(const Pair& pair, bool inner = false) { return row(pair, pair.response, inner); }
  at::Tensor original_logits(const Pair& pair) { return head_.logits(original_->states(std::vector<Pair>{pair})); }

  /// Mean over the tokens of all harmful (normal) answers of a loss of each.
  at::Tensor token_mean(const std::vector<Pair>& pairs, const std::function<at::Tensor(const Pair&)>& each) {
    std::vector<at::Tensor> parts;
    for (const Pair& pair : pairs) parts.push_back(each(pair));
    return at::cat(parts).mean();
  }
  at::Tensor retain_ce() {
    return token_mean(step_.normal, [&](const Pair& pair) {
      const Row r = row(pair);
      return -r.values.log_softmax(1).gather(1, r.targets.unsqueeze(1)).squeeze(1);
    });
  }
  static at::Tensor divergence(const at::Tensor& p, const at::Tensor& q) {  // JSD of probabilities [n, V]
    const at::Tensor m = (p + q) / 2;
    return (at::xlogy(p, p) - at::xlogy(p, m) + at::xlogy(q, q) - at::xlogy(q, m)).sum(1) / 2;
  }

  /// Compares values and gradients of all weights.
  void expect_equal(const at::Tensor& found, const at::Tensor& wanted) {
    EXPECT_NEAR(found.item<double>(), wanted.item<double>(), 1e-4 * (1 + std::abs(wanted.item<double>())));
    const auto a = torch::autograd::grad({found}, weights_, {}, false, false, true),
               b = torch::autograd::grad({wanted}, weights_, {}, false, false, true);
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].defined(), b[i].defined()) << i;
      if (!a[i].defined()) continue;
      const double size = b[i].norm().item<double>();
      EXPECT_LT((a[i] - b[i]).norm().item<double>(), 1e-3 * size + 1e-5) << i;
      largest = std::max(largest, size);
    }
    EXPECT_GT(largest, 1e-4);
  }
  static ObjectiveSettings weighted(double forget, double retain, RetainLoss loss = RetainLoss::ce) {
    return {.forget = forget, .retain = retain, .retain_loss = loss};
  }

  Tokenizer tokenizer_;
  CausalLM model_;
  ExampleMaker examples_;
  StepRows step_;
  std::vector<Pair> both_;
  const std::vector<std::int64_t> layers_{0, 1};
  std::unique_ptr<Reference> original_, inner_;
  Head head_;
  std::vector<at::Tensor> weights_;
};

TEST_F(LogitObjectives, UndialCountsHarmfulTokensOnlyAndDistilsTheOriginal) {
  ObjectiveSettings settings = weighted(2, 3);
  settings.beta = 4;
  step_.random.clear();
  FormulaObjective objective(inputs(original_.get()), settings, undial_loss);
  const at::Tensor forget = token_mean(step_.harmful, [&](const Pair& pair) {
    const Row r = row(pair);
    const at::Tensor lowered = original_logits(pair) - 4 * at::one_hot(r.targets, r.values.size(1));
    return -(lowered.softmax(1) * r.values.log_softmax(1)).sum(1);
  });
  expect_equal(objective.loss(0).loss, 2 * forget + 3 * retain_ce());
}

TEST_F(LogitObjectives, CeULeavesOutTheFirstTokensOfEachAnswer) {
  ObjectiveSettings settings = weighted(1, 0);
  step_.random.clear();
  for (const std::int64_t skip : {0, 1, 4}) {
    settings.skip = skip;
    FormulaObjective objective(inputs(), settings, ce_u_loss);
    const at::Tensor wanted = token_mean(step_.harmful, [&](const Pair& pair) {
      const Row r = row(pair);
      const at::Tensor harmful = at::one_hot(r.targets, r.values.size(1)).to(at::kBool);
      const at::Tensor target = r.values.detach().masked_fill(harmful, -1e30).softmax(1);
      return -(target * r.values.log_softmax(1)).sum(1).slice(0, skip);
    });
    expect_equal(objective.loss(0).loss, wanted);
  }
  settings.skip = 100;  // longer than any answer
  FormulaObjective nothing(inputs(), settings, ce_u_loss);
  EXPECT_EQ(nothing.loss(0).loss.item<double>(), 0);
}

TEST_F(LogitObjectives, IhlAveragesOverHarmfulTokens) {
  step_.random.clear();
  FormulaObjective objective(inputs(), weighted(1, 1), ihl_loss);
  const at::Tensor forget = token_mean(step_.harmful, [&](const Pair& pair) {
    const Row r = row(pair);
    const at::Tensor p = r.values.softmax(1), harmful = at::one_hot(r.targets, p.size(1)).to(at::kBool);
    return 1 + p.masked_select(harmful) - p.masked_fill(harmful, -1).amax(1);
  });
  expect_equal(objective.loss(0).loss, forget + retain_ce());
}

TEST_F(LogitObjectives, JensUnPullsHarmfulAnswersToTheRefusalAndNormalOnesToTheOriginal) {
  JensUnObjective objective(inputs(original_.get()), weighted(2, 3, RetainLoss::automatic));
  std::vector<at::Tensor> parts;
  for (std::size_t i = 0; i < step_.harmful.size(); ++i) {
    const Row r = row(step_.harmful[i]);
    const Example refusal = example(step_.harmful[i], step_.random[i][0]);
    std::vector<std::int64_t> wanted;  // the refusal's tokens, over and over
    for (std::int64_t t = 0; t < r.targets.size(0); ++t) {
      const std::size_t length = refusal.ids.size() - refusal.response_begin;
      wanted.push_back(refusal.ids[refusal.response_begin + static_cast<std::size_t>(t) % length]);
    }
    const at::Tensor target = at::one_hot(at::tensor(wanted, at::kLong), r.values.size(1)).to(at::kFloat);
    parts.push_back(divergence(r.values.softmax(1), target));
  }
  const at::Tensor retain = token_mean(step_.normal, [&](const Pair& pair) {
    return divergence(original_logits(pair).softmax(1), row(pair).values.softmax(1));
  });
  expect_equal(objective.loss(0).loss, 2 * at::cat(parts).mean() + 3 * retain);
}

TEST_F(LogitObjectives, FlatComparesTheRefusalWithTheHarmfulAnswer) {
  FormulaObjective objective(inputs(), weighted(1, 0), flat_loss);
  std::vector<at::Tensor> harmful, refusing;
  const auto probability = [](const Row& r) { return r.values.softmax(1).gather(1, r.targets.unsqueeze(1)).mean(); };
  for (std::size_t i = 0; i < step_.harmful.size(); ++i) {
    harmful.push_back(probability(row(step_.harmful[i])));
    refusing.push_back(probability(row(step_.harmful[i], step_.random[i][0])));
  }
  expect_equal(objective.loss(0).loss, at::stack(harmful).mean().tanh() / 2 - at::stack(refusing).mean().tanh() / 2);
}

TEST_F(LogitObjectives, PduWeighsTheRetainLossByItsDualVariable) {
  ObjectiveSettings settings = weighted(2, 3);
  settings.eps = 1.5;
  settings.dual_rate = 4;
  settings.dual_warmup = 1;
  step_.random.clear();
  PduObjective objective(inputs(), settings);
  const at::Tensor forget = token_mean(step_.harmful, [&](const Pair& pair) {
    const at::Tensor z = row(pair).values;
    return (z.amax(1) - z.mean(1)).square();
  });
  expect_equal(objective.loss(0).loss, 2 * forget + 3 * retain_ce());
  objective.stepped({{"retain", 2.0}});
  EXPECT_EQ(objective.dual(), 3);  // within the warm-up
  objective.stepped({{"retain", 2.0}});
  EXPECT_EQ(objective.dual(), 3 + 4 * (2.0 - 1.5));
  const StepLoss raised = objective.loss(2);
  EXPECT_NEAR(raised.loss.item<double>(), (2 * forget + 5 * retain_ce()).item<double>(), 1e-3);
  EXPECT_EQ(values_of(raised.terms).at("dual"), 5);
  objective.stepped({{"retain", 0.0}});
  EXPECT_EQ(objective.dual(), 0);  // 5 − 6, but never below 0
}

TEST_F(LogitObjectives, PduRetainsFromADualVariableOfZeroOn) {
  ObjectiveSettings settings = weighted(2, 0);
  settings.eps = 0.01;
  settings.dual_rate = 4;
  settings.dual_warmup = 0;
  step_.random.clear();
  PduObjective objective(inputs(), settings);
  const auto names = objective.terms();
  EXPECT_NE(std::find(names.begin(), names.end(), "retain"), names.end());
  const StepLoss first = objective.loss(0);
  EXPECT_NEAR(values_of(first.terms).at("retain"), retain_ce().item<double>(), 1e-4);
  EXPECT_NEAR(first.loss.item<double>(), 2 * values_of(first.terms).at("forget"), 1e-4);
  objective.stepped(values_of(first.terms));
  EXPECT_NEAR(objective.dual(), 4 * (retain_ce().item<double>() - 0.01), 1e-3);
  EXPECT_GT(objective.dual(), 0);
  // Only a rate of 0 keeps it there: then normal pairs are not computed.
  settings.dual_rate = 0;
  EXPECT_FALSE(values_of(PduObjective(inputs(), settings).loss(0).terms).contains("retain"));
}

TEST_F(LogitObjectives, PdusDualVariableGoesOnWhereItsStateIsRestored) {
  ObjectiveSettings settings = weighted(1, 3);
  settings.eps = 1.5;
  settings.dual_rate = 4;
  settings.dual_warmup = 2;
  PduObjective first(inputs(), settings), second(inputs(), settings);
  for (int i = 0; i < 3; ++i) first.stepped({{"retain", 1.7}});
  second.state()[0].second.copy_(first.state()[0].second);
  for (PduObjective* objective : {&first, &second}) objective->stepped({{"retain", 1.9}});
  EXPECT_EQ(first.dual(), second.dual());
  EXPECT_NE(first.dual(), 3);
}

TEST_F(LogitObjectives, RmuSteersOneLayerAndHoldsNormalAnswersAtTheOriginal) {
  ObjectiveSettings settings = weighted(2, 3, RetainLoss::automatic);
  settings.steer = 5;
  settings.layers = layers_;
  step_.random.clear();
  RmuObjective objective(inputs(inner_.get()), settings, 8888);
  const at::Tensor control = control_vector(model_.spec().hidden_size, 5, 8888);
  const auto first = [&](const Pair& pair) { return row(pair, true).values.select(1, 0); };
  const at::Tensor forget =
      token_mean(step_.harmful, [&](const Pair& pair) { return (first(pair) - control).square().mean(1); });
  const at::Tensor retain = token_mean(step_.normal, [&](const Pair& pair) {
    return (first(pair) - inner_->states(std::vector<Pair>{pair}).select(1, 0)).square().mean(1);
  });
  expect_equal(objective.loss(0).loss, 2 * forget + 3 * retain);
}

TEST_F(LogitObjectives, CircuitBreakersMoveWeightFromForgettingToRetaining) {
  ObjectiveSettings settings = weighted(10, 8, RetainLoss::automatic);
  settings.layers = layers_;
  step_.random.clear();
  CircuitBreakersObjective objective(inputs(inner_.get()), settings, 50);
  const auto states = [&](const Pair& pair) { return row(pair, true).values; };
  const auto before = [&](const Pair& pair) { return inner_->states(std::vector<Pair>{pair}); };
  const at::Tensor forget = token_mean(step_.harmful, [&](const Pair& pair) {
    const at::Tensor h = states(pair), o = before(pair);
    return ((h * o).sum(-1) / (h.norm(2, {-1}) * o.norm(2, {-1}))).clamp_min(0).mean(1);
  });
  const at::Tensor retain = token_mean(
      step_.normal, [&](const Pair& pair) { return (states(pair) - before(pair)).square().sum(-1).sqrt().mean(1); });
  expect_equal(objective.loss(25).loss, 10 * 0.75 * forget + 8 * 0.25 * retain);
  EXPECT_NEAR(objective.loss(0).loss.item<double>(), 10 * forget.item<double>(), 1e-3);
  EXPECT_NEAR(objective.loss(50).loss.item<double>(), 5 * forget.item<double>() + 4 * retain.item<double>(), 1e-3);
}

// Both losses go back through the same layers, one after the other.
TEST_F(LogitObjectives, GruChangesNothingWhereForgettingAndRetainingAgree) {
  step_.random.clear();
  step_.harmful = step_.normal;
  const ObjectiveSettings settings = weighted(-2, 3);  // learns the same answers by both
  const auto made = [&] { return std::make_unique<FormulaObjective>(inputs(), settings, gradient_difference); };
  const auto gradients = [&](Objective& objective) {
    objective.loss(0).loss.backward();
    std::vector<at::Tensor> result;
    for (at::Tensor& weight : weights_) {
      result.push_back(weight.grad());
      weight.mutable_grad() = at::Tensor();
    }
    return result;
  };
  for (const bool recompute : {false, true}) {
    model_.recompute = recompute;
    GruObjective rule(made(), weights_, 1);
    const auto found = gradients(rule), wanted = gradients(*made());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].defined(), wanted[i].defined()) << i;
      if (!found[i].defined()) continue;
      const double size = wanted[i].norm().item<double>();
      EXPECT_GT(size, 0) << i;
      EXPECT_LT((found[i] - wanted[i]).norm().item<double>(), 1e-5 * size) << i;
    }
  }
}

TEST_F(LogitObjectives, DropoutOfAdaptersDoesNotEnterComparisonsWithTheOriginal) {
  LoraSettings lora;
  lora.rank = 4;
  for (const NamedLora& pair : add_lora(model_, lora, 1)) {
    const at::NoGradGuard guard;
    pair.pair->b.normal_(0, 0.1);
  }
  ObjectiveSettings settings = weighted(1, 1, RetainLoss::automatic);
  settings.steer = 5;
  settings.layers = layers_;
  JensUnObjective jensun(inputs(original_.get()), settings);
  RmuObjective rmu(inputs(inner_.get()), settings, 1);
  RandomStream stream(1, "dropout");
  for (Objective* objective : std::initializer_list<Objective*>{&jensun, &rmu}) {
    if (objective == &rmu) step_.random.clear();
    model_.adapters.dropout = 0;
    const auto plain = values_of(objective->loss(0).terms);
    model_.adapters.dropout = 0.5;
    model_.adapters.randomness = &stream;
    const auto dropped = values_of(objective->loss(0).terms);
    EXPECT_NEAR(dropped.at("retain"), plain.at("retain"), 1e-6);
    EXPECT_GT(std::abs(dropped.at("forget") - plain.at("forget")), 1e-6);  // harmful rows do have it
  }
}

TEST(InnerLayers, AreAtTheSameShareOfTheDepth) {
  using Layers = std::vector<std::int64_t>;
  EXPECT_EQ(layers_at_depth({7}, 32), Layers{7});
  EXPECT_EQ(layers_at_depth({9, 19}, 32), (Layers{9, 19}));
  EXPECT_EQ(layers_at_depth({9, 19}, 30), (Layers{8, 18}));
  EXPECT_EQ(layers_at_depth({9, 19}, 80), (Layers{24, 49}));
  EXPECT_EQ(layers_at_depth({9, 19}, 4), (Layers{0, 2}));
  EXPECT_EQ(layers_at_depth({9, 19}, 1), Layers{0});
}

}  // namespace
}  // namespace lethe
