// The losses over token likelihoods, and their gradients, against PyTorch's on a transformers model in float64
// (tools/fixtures/objectives_field.py): sign, reduction, reference, weights, and which tokens count.
#include "objectives/forget_retain.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <map>

#include "core/files.h"
#include "core/json.h"
#include "formats/checkpoint.h"
#include "made_tokenizer.h"
#include "models/loading.h"
#include "models/lora.h"
#include "nn/row_losses.h"
#include "objectives/gradient_difference.h"
#include "objectives/preference.h"
#include "objectives/safe_unlearning.h"
#include "objectives/weighted_ascent.h"

namespace lethe {
namespace {

const std::map<std::string, ForgetLoss>& losses_of_methods() {
  static const std::map<std::string, ForgetLoss> all = {{"grad_diff", gradient_difference},
                                                        {"kl_min", gradient_difference},
                                                        {"npo", npo_loss},
                                                        {"simnpo", simnpo_loss},
                                                        {"dpo", dpo_loss},
                                                        {"wga", wga_loss},
                                                        {"satimp", satimp_loss},
                                                        {"safe_unlearning", safe_unlearning_loss}};
  return all;
}

class FieldObjectives : public MadeTokenizerTest {
 protected:
  FieldObjectives()
      : fixtures_(LETHE_FIXTURES),
        fixture_(Json::parse(read_file(fixtures_ / "objectives" / "field.json"))),
        base_(fixtures_ / "models" / "gemma2_capped"),
        model_(load_model(base_, {.dtype = at::kDouble})) {}

  void SetUp() override {
    FolderTest::SetUp();
    Json vocabulary;  // one token for each word: "t7" is token 7
    for (int i = 0; i < 48; ++i) vocabulary["t" + std::to_string(i)] = i;
    tokenizer_ = std::make_unique<Tokenizer>(
        with({{"model", {{"type", "WordLevel"}, {"vocab", vocabulary}, {"unk_token", "t0"}}},
              {"pre_tokenizer", {{"type", "WhitespaceSplit"}}}}));
    examples_ = std::make_unique<ExampleMaker>(*tokenizer_, Template::parse("{prompt} {response}"),
                                               ExampleOptions{.append_eos = false, .max_length = 64});
    for (const Json& row : fixture_["rows"]["harmful"]) {
      rows_.harmful.push_back({words(row[0]), words(row[1])});
      preferred_.push_back({words(row[2])});
    }
    for (const Json& row : fixture_["rows"]["normal"]) rows_.normal.push_back({words(row[0]), words(row[1])});
    take_original();
    for (const Parameter& parameter : model_.parameters()) {
      parameter.tensor->mul_(fixture_["factor"].get<double>());  // θ moved away from θ_o
      parameter.tensor->requires_grad_(true);
    }
  }

  static std::string words(const Json& ids) {
    std::string text;
    for (const int id : ids) text += (text.empty() ? "t" : " t") + std::to_string(id);
    return text;
  }

  // The original, stored as for full tuning.
  void take_original() {
    std::vector<Pair> pairs = rows_.harmful;
    for (std::size_t i = 0; i < preferred_.size(); ++i)
      pairs.push_back({rows_.harmful[i].prompt, preferred_[i].front()});
    losses_ = std::make_unique<StoredOriginal>(*examples_, response_losses);
    losses_->add(model_, pairs, "harmful");
    reference_ = std::make_unique<StoredReference>(model_, *examples_, rows_.normal);
  }

  static ObjectiveSettings settings_of(const Json& json) {
    ObjectiveSettings settings;
    settings.forget = json["forget"].get<double>();
    settings.retain = json["retain"].get<double>();
    settings.retain_loss = *from_word<RetainLoss>(json["retain_loss"].get<std::string>());
    const auto set = [&](const char* name, std::optional<double>& field) {
      if (json.contains(name)) field = json[name].get<double>();
    };
    set("beta", settings.beta);
    set("beta2", settings.beta2);
    set("delta", settings.delta);
    set("safe", settings.safe);
    return settings;
  }

  FormulaObjective objective(const std::string& method, const ObjectiveSettings& settings) {
    return objective(method, settings, losses_of_methods().at(method));
  }
  FormulaObjective objective(const std::string& method, const ObjectiveSettings& settings, ForgetLoss formula) {
    StepRows rows = rows_;
    if (method == "dpo" || method == "safe_unlearning") rows.random = preferred_;
    return {{.model = model_,
             .examples = *examples_,
             .rows = [rows](std::uint64_t) { return rows; },
             .reference = reference_.get(),
             .losses = losses_.get()},
            settings,
            formula};
  }

  const fs::path fixtures_;
  const Json fixture_;
  const Checkpoint base_;
  CausalLM model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<ExampleMaker> examples_;
  StepRows rows_;
  std::vector<std::vector<std::string>> preferred_;
  std::unique_ptr<StoredOriginal> losses_;
  std::unique_ptr<Reference> reference_;
};

// Norms and rotary angles are float32 in transformers.
constexpr double kTolerance = 2e-6;

void expect_close(double found, double wanted, const std::string& what) {
  EXPECT_NEAR(found, wanted, kTolerance * (1 + std::abs(wanted))) << what;
}

TEST_F(FieldObjectives, HaveTheLossAndTheGradientsOfTheirFormulas) {
  ASSERT_EQ(fixture_["methods"].size(), losses_of_methods().size());
  for (const auto& [method, wanted] : fixture_["methods"].items()) {
    FormulaObjective made = objective(method, settings_of(wanted["settings"]));
    const StepLoss found = made.loss(0);
    const auto terms = values_of(found.terms);
    std::vector<std::string> names;
    for (const std::string& name : made.terms()) {
      ASSERT_TRUE(terms.contains(name)) << method << " " << name;
      expect_close(terms.at(name), wanted[name].get<double>(), method + " " + name);
      names.push_back(name);
    }
    EXPECT_EQ(names.size(), terms.size()) << method;
    expect_close(found.loss.item<double>(), wanted["loss"].get<double>(), method);
    found.loss.backward();
    for (const Parameter& parameter : model_.parameters()) {
      const Json& gradient = wanted["gradients"][parameter.name];
      ASSERT_TRUE(parameter.tensor->grad().defined()) << method << " " << parameter.name;
      const at::Tensor flat = parameter.tensor->grad().flatten();
      expect_close(flat.norm().item<double>(), gradient["norm"].get<double>(), method + " " + parameter.name);
      for (const auto& [index, value] : gradient["entries"].items())
        expect_close(flat[std::stol(index)].item<double>(), value.get<double>(), method + " " + parameter.name);
      parameter.tensor->mutable_grad() = at::Tensor();
    }
  }
}

at::Tensor preference(const at::Tensor& margin, double beta) {
  return at::log_sigmoid(margin * beta).mean() * (-2 / beta);
}
at::Tensor sums(const at::Tensor& each, const ResponseBatch& batch) {
  return sum_of_each(each, batch.own);
}
at::Tensor means(const at::Tensor& each, const ResponseBatch& batch) {
  return mean_of_each(each, batch.own);
}
at::Tensor chances(const ResponseBatch& batch) {
  return (-batch.losses()).exp();
}

struct WrongVariant {
  const char* method;
  const char* what;
  ForgetLoss formula;
};

// Wrong in sign, reduction, reference or gradient; among them those in circulation.
const WrongVariant kWrong[] = {
    {"grad_diff", "descent instead of ascent",
     [](const ResponseBatch& b, const ObjectiveSettings&) { return mean_over_tokens(b.losses(), b.own); }},
    {"grad_diff", "mean over responses of means",
     [](const ResponseBatch& b, const ObjectiveSettings&) { return -means(b.losses(), b).mean(); }},
    {"npo", "raw logits instead of log-probabilities",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       const at::Tensor raw = loss_of_each(
           b.states, b.head, [targets = b.targets](const at::Tensor& logits, std::int64_t begin, std::int64_t end) {
             return -logits.gather(1, targets.slice(0, begin, end).unsqueeze(1)).squeeze(1);
           });
       return preference(sums(raw, b) - sums(b.original_losses(), b), *s.beta);
     }},
    {"npo", "means instead of sums",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return preference(means(b.losses(), b) - means(b.original_losses(), b), *s.beta);
     }},
    {"npo", "no reference",
     [](const ResponseBatch& b, const ObjectiveSettings& s) { return preference(sums(b.losses(), b), *s.beta); }},
    {"npo", "the model in training as the reference",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return preference(sums(b.losses(), b) - sums(b.losses().detach(), b), *s.beta);
     }},
    {"npo", "the opposite preference",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return preference(sums(b.original_losses(), b) - sums(b.losses(), b), *s.beta);
     }},
    {"simnpo", "sums instead of means",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return preference(sums(b.losses(), b) - *s.delta, *s.beta);
     }},
    {"simnpo", "with a reference",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return preference(means(b.losses(), b) - means(b.original_losses(), b) - *s.delta, *s.beta);
     }},
    {"simnpo", "the margin added",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return preference(means(b.losses(), b) + *s.delta, *s.beta);
     }},
    {"dpo", "the harmful answer preferred",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       const at::Tensor risen = b.losses() - b.original_losses();
       return preference(sum_of_each(risen, b.preferred) - sum_of_each(risen, b.own), *s.beta);
     }},
    {"dpo", "no reference",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return preference(sum_of_each(b.losses(), b.own) - sum_of_each(b.losses(), b.preferred), *s.beta);
     }},
    {"dpo", "the factor of the original paper",
     [](const ResponseBatch& b, const ObjectiveSettings& s) { return dpo_loss(b, s) * (*s.beta / 2); }},
    {"wga", "a gradient through the weight",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return -mean_over_tokens(chances(b).pow(*s.beta) * b.losses(), b.own);
     }},
    {"wga", "unsure tokens first",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return -mean_over_tokens((1 - chances(b).detach()).pow(*s.beta) * b.losses(), b.own);
     }},
    {"satimp", "the exponents exchanged",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       const at::Tensor p = chances(b).detach();
       return -mean_over_tokens(p.pow(*s.beta2) * (1 - p).pow(*s.beta) * b.losses(), b.own);
     }},
    {"safe_unlearning", "sums instead of means",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return -at::log_sigmoid((sums(b.losses(), b) - sums(b.original_losses(), b)) * *s.beta).mean();
     }},
    {"safe_unlearning", "the opposite sign",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return -at::log_sigmoid((means(b.original_losses(), b) - means(b.losses(), b)) * *s.beta).mean();
     }},
    {"safe_unlearning", "no reference",
     [](const ResponseBatch& b, const ObjectiveSettings& s) {
       return -at::log_sigmoid(means(b.losses(), b) * *s.beta).mean();
     }},
};

// Each differs from the formula by far more than the tolerance on these rows, so that the test above would find it.
TEST_F(FieldObjectives, WrongVariantsAreFound) {
  for (const WrongVariant& wrong : kWrong) {
    const Json& wanted = fixture_["methods"][wrong.method];
    FormulaObjective made = objective(wrong.method, settings_of(wanted["settings"]), wrong.formula);
    const StepLoss found = made.loss(0);
    found.loss.backward();
    double most = std::abs(found.loss.item<double>() - wanted["loss"].get<double>());
    for (const Parameter& parameter : model_.parameters()) {
      const double norm = parameter.tensor->grad().norm().item<double>();
      most = std::max(most, std::abs(norm - wanted["gradients"][parameter.name]["norm"].get<double>()));
      parameter.tensor->mutable_grad() = at::Tensor();
    }
    EXPECT_GT(most, 1000 * kTolerance) << wrong.method << ": " << wrong.what;
  }
}

// KL(P‖Q) is not KL(Q‖P), nor the cross-entropy, nor a mean that counts other positions.
TEST_F(FieldObjectives, TheRetainTermIsTheDivergenceFromTheOriginal) {
  const double wanted = fixture_["methods"]["kl_min"]["retain"].get<double>();
  const at::Tensor p = reference_->head().logits(reference_->states(rows_.normal)).log_softmax(1);
  ExamplePacker packer;
  for (const Pair& pair : rows_.normal) packer.add(examples_->example(pair));
  const PackedExamples packed = packer.build();
  const at::Tensor q = model_.head().logits(final_states(model_, packed)).log_softmax(1);
  EXPECT_NEAR((p.exp() * (p - q)).sum(1).mean().item<double>(), wanted, kTolerance);
  EXPECT_GT(std::abs((q.exp() * (q - p)).sum(1).mean().item<double>() - wanted), 50 * kTolerance);
}

TEST_F(FieldObjectives, TheReferenceOfAdaptersIsTheModelWithoutThem) {
  for (const Parameter& parameter : model_.parameters()) {
    parameter.tensor->requires_grad_(false);
    parameter.tensor->div_(fixture_["factor"].get<double>());  // θ_o again
  }
  const auto values = [&] {
    AdapterOffOriginal off(model_, *examples_, response_losses);
    return off.values(rows_.harmful);
  };
  const at::Tensor before = values();
  EXPECT_LT((before - losses_->values(rows_.harmful)).abs().max().item<double>(), 1e-10);
  for (const NamedLora& lora : add_lora(model_, {}, 8888)) lora.pair->b.requires_grad_(false).fill_(0.1);
  EXPECT_EQ((values() - before).abs().max().item<double>(), 0);
  AdapterOffOriginal off(model_, *examples_, response_losses);
  FormulaObjective npo(
      {.model = model_, .examples = *examples_, .rows = [this](std::uint64_t) { return rows_; }, .losses = &off},
      {.forget = 1, .retain = 0, .beta = 0.1}, npo_loss);
  EXPECT_GT(std::abs(values_of(npo.loss(0).terms).at("forget") - 20 * std::log(2.0)), 1e-3);  // the adapters act
}

TEST_F(FieldObjectives, WithoutARetainLossNormalPairsAreNotComputed) {
  ObjectiveSettings settings{.forget = 1, .retain = 1, .retain_loss = RetainLoss::ce};
  const std::int64_t with = objective("grad_diff", settings).loss(0).tokens;
  settings.retain_loss = RetainLoss::none;
  FormulaObjective none = objective("grad_diff", settings);
  const StepLoss found = none.loss(0);
  EXPECT_EQ(with - found.tokens, 3 + 3 + 2 + 5);
  EXPECT_FALSE(found.terms.contains("retain"));
  EXPECT_EQ(none.terms(), std::vector<std::string>{"forget"});
  settings = {.forget = 1, .retain = 0, .retain_loss = RetainLoss::ce};
  EXPECT_EQ(objective("grad_diff", settings).loss(0).tokens, found.tokens);
}

TEST_F(FieldObjectives, AForgetLossMayBeLargerThanTheGuardsLimit) {
  const ObjectiveSettings settings{.forget = 1, .retain = 1, .retain_loss = RetainLoss::ce, .beta = 0.01};
  FormulaObjective npo = objective("npo", settings);
  EXPECT_GT(values_of(npo.loss(0).terms).at("forget"), 100);
  EXPECT_TRUE(npo.rising().contains("forget"));
  EXPECT_FALSE(npo.rising().contains("retain"));
}

TEST_F(FieldObjectives, APairWithoutItsPreferredResponseIsRefused) {
  StepRows rows = rows_;
  rows.random = {preferred_[0], {}, preferred_[2]};
  EXPECT_THROW(pack_forget_retain(rows, *examples_, model_, false), Error);
}

}  // namespace
}  // namespace lethe
