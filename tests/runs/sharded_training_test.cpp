// training.shard: ranks that hold shares of the matrices train adapters to the bits of one process, and all weights to
// its losses, with every method, and exchange what the plan says.
#include <c10/core/GradMode.h>

#include "architectures/families.h"
#include "models/sharded_layers.h"
#include "recipe/method_table.h"
#include "runs/needs.h"
#include "runs/shared_run.h"
#include "runs/stage1.h"
#include "runs/task_vector.h"
#include "small_world.h"
#include "thread_group.h"

namespace lethe {
namespace {

class ShardedTraining : public SmallWorld {
 protected:
  Recipe recipe(std::vector<std::string> more) const {
    std::vector<std::string> settings = {"tuning=lora", "lora={rank: 2, targets: all-linear, dropout: 0.1}",
                                         "training={batch: 1, accumulate: 5, lr: 1e-3, steps: 3, shard: true}",
                                         "sku.k=1", "safe.steps=3"};
    settings.insert(settings.end(), more.begin(), more.end());
    return with_recomputing(with_settings({}, settings));
  }

  struct Trained {
    std::vector<at::Tensor> adapters;
    std::vector<StepRecord> steps;
    at::Tensor answers;  // hidden states after the training, on rank 0 alone
  };

  at::Tensor states_of(const CausalLM& model) const {
    const c10::NoGradGuard no_gradient;
    PackBuilder pack;
    pack.add({1, 5, 9, 2});
    return model.hidden(pack.build());
  }

  // @param group  null: one process, without shards
  Trained trained(const Recipe& recipe, at::ScalarType dtype, Group* group) const {
    at::set_num_threads(1);  // of this thread
    const auto serving = serving_group(recipe, group);
    RunData data = data_;
    read_safe_answers(recipe, data, nullptr);
    CausalLM model = load_model(base_, load_for_training(recipe, {.dtype = dtype}, serving.get()));
    EXPECT_EQ(model.layer_weights != nullptr, group != nullptr);
    Tuning tuning(model, recipe);
    tuning.share_with(serving.get());
    Trained result;
    // The other ranks serve rank 0 before and after the training.
    if (group == nullptr || group->rank() == 0) result.answers = states_of(model);
    result.steps = train_method(tuning, base_, data, {}).steps;
    if (group == nullptr || group->rank() == 0) result.answers = at::cat({result.answers, states_of(model)});
    for (const NamedLora& lora : tuning.pairs())
      result.adapters.insert(result.adapters.end(), {lora.pair->a.detach().clone(), lora.pair->b.detach().clone()});
    if (serving) serving->serve();
    return result;
  }

  void expect_the_bits_of_one_process(const Recipe& recipe, int ranks, at::ScalarType dtype = at::kFloat) {
    const std::string where = recipe.method + " on " + std::to_string(ranks);
    const Trained alone = trained(recipe, dtype, nullptr);
    ASSERT_EQ(alone.steps.size(), static_cast<std::size_t>(recipe.training.steps)) << where;
    as_ranks(ranks, [&](Group& group) {
      const Trained own = trained(recipe, dtype, &group);
      ASSERT_EQ(own.adapters.size(), alone.adapters.size());
      for (std::size_t i = 0; i < alone.adapters.size(); ++i)
        EXPECT_TRUE(at::equal(own.adapters[i], alone.adapters[i])) << where << ", adapter " << i;
      if (group.rank() > 0) return;
      EXPECT_TRUE(at::equal(own.answers, alone.answers)) << where;
      ASSERT_EQ(own.steps.size(), alone.steps.size());
      for (std::size_t i = 0; i < alone.steps.size(); ++i) {
        EXPECT_EQ(own.steps[i].terms, alone.steps[i].terms) << where << ", step " << i + 1;
        EXPECT_EQ(own.steps[i].loss, alone.steps[i].loss) << where << ", step " << i + 1;
        EXPECT_EQ(own.steps[i].grad_norm, alone.steps[i].grad_norm) << where << ", step " << i + 1;
      }
    });
  }
};

TEST_F(ShardedTraining, EveryMethodHasTheBitsOfOneProcess) {
  for (const Method& method : methods())
    expect_the_bits_of_one_process(
        recipe({"method=" + method.name, "training.accumulate=3", "training.steps=2", "safe.steps=2"}), 2);
}

TEST_F(ShardedTraining, AlsoOnFourRanksInBfloat16AndInNf4) {
  expect_the_bits_of_one_process(recipe({}), 4);
  expect_the_bits_of_one_process(recipe({}), 3, at::kBFloat16);
  expect_the_bits_of_one_process(recipe({"quantize=nf4"}), 2);
  expect_the_bits_of_one_process(recipe({"quantize=nf4"}), 4);
  expect_the_bits_of_one_process(recipe({"quantize=nf4"}), 3, at::kBFloat16);
}

TEST_F(ShardedTraining, ExchangesWhatThePlanSays) {
  for (const std::string quantize : {"none", "nf4"}) {
    const Recipe recipe = this->recipe({"quantize=" + quantize, "training.accumulate=4", "lora.dropout=0"});
    const DecoderSpec spec = decoder_spec(base_.config(), "config.json");
    const Needs needs = training_needs(spec, model_size(spec, recipe), {.ranks = 2, .uses = 3}, recipe, {});
    as_ranks(2, [&](Group& group) {
      at::set_num_threads(1);
      const auto serving = serving_group(recipe, &group);
      RunData data = data_;
      CausalLM model = load_model(base_, load_for_training(recipe, {}, serving.get()));
      Tuning tuning(model, recipe);
      tuning.share_with(serving.get());
      const std::uint64_t before = group.traffic().bytes;
      train_method(tuning, base_, data, {});
      serving->serve();
      const double a_step = static_cast<double>(group.traffic().bytes - before) / 3;
      EXPECT_NEAR(a_step / (needs.ranks.gradients + needs.ranks.matrices), 1, 0.05) << quantize;
      const auto& layers = static_cast<const ShardedLayers&>(*model.layer_weights);
      EXPECT_NEAR(static_cast<double>(layers.bytes()) / needs.ranks.share, 1, 0.05) << quantize;
    });
  }
}

/// tuning=full. Each rank updates its share.
class ShardedFullTraining : public ShardedTraining {
 protected:
  Recipe recipe(std::vector<std::string> more) const {
    std::vector<std::string> settings = {"tuning=full",
                                         "training={batch: 1, accumulate: 5, lr: 1e-3, steps: 3, shard: true}",
                                         "sku.k=1", "safe.steps=3"};
    settings.insert(settings.end(), more.begin(), more.end());
    return with_recomputing(with_settings({}, settings));
  }

  struct Outcome {
    std::vector<StepRecord> steps;
    Weights trained, halved;  // on rank 0: after the training, and at θ_o + τ/2
    double change = 0;
  };

  static Weights weights_of(CausalLM& model) {
    const TensorLookup lookup = weights_by_name(model);
    Weights weights;
    for (const Parameter& parameter : model.parameters()) weights[parameter.name] = lookup(parameter.name).clone();
    return weights;
  }

  // @param group  null: one process, without shards
  Outcome outcome_of(const Recipe& recipe, at::ScalarType dtype, Group* group, Snapshots* snapshots = nullptr) const {
    at::set_num_threads(1);  // of this thread
    const auto serving = serving_group(recipe, group);
    RunData data = data_;
    read_safe_answers(recipe, data, nullptr);
    CausalLM model = load_model(base_, load_for_training(recipe, {.dtype = dtype}, serving.get()));
    Tuning tuning(model, recipe);
    tuning.share_with(serving.get());
    const bool leads = group == nullptr || group->rank() == 0;
    Outcome outcome;
    Stage1Files files{.snapshots = leads ? snapshots : nullptr};
    if (files.snapshots != nullptr) files.metrics = folder_ / "metrics.jsonl";
    outcome.steps = train_method(tuning, base_, data, files).steps;
    const auto vector = task_vector_of(model, base_, {}, recipe);
    if (leads) {
      outcome.trained = weights_of(model);
      outcome.change = vector->change();
      vector->apply(0.5);
      outcome.halved = weights_of(model);
      vector->restore();
      EXPECT_EQ(furthest(weights_of(model), outcome.trained), 0);
    }
    if (serving) serving->serve();
    return outcome;
  }

  void expect_one_process(const Recipe& recipe, int ranks, at::ScalarType dtype = at::kFloat) {
    const std::string where = recipe.method + " on " + std::to_string(ranks);
    const Outcome alone = outcome_of(recipe, dtype, nullptr);
    const double bound = dtype == at::kFloat ? 1e-5 : 1e-2;  // of weights; a rounding of bfloat16 is 0.4%
    as_ranks(ranks, [&](Group& group) {
      const Outcome own = outcome_of(recipe, dtype, &group);
      if (group.rank() > 0) return;
      EXPECT_LT(furthest(own.trained, alone.trained), bound) << where;
      EXPECT_LT(furthest(own.halved, alone.halved), bound) << where;
      EXPECT_NEAR(own.change / alone.change, 1, 1e-3) << where;
      ASSERT_EQ(own.steps.size(), alone.steps.size());
      for (std::size_t i = 0; i < alone.steps.size(); ++i) {
        EXPECT_NEAR(own.steps[i].loss, alone.steps[i].loss, 1e-5) << where << ", step " << i + 1;
        // Norms of bfloat16 gradients are rounded to bfloat16, for each tensor or piece of one.
        EXPECT_NEAR(own.steps[i].grad_norm / alone.steps[i].grad_norm, 1, dtype == at::kFloat ? 1e-5 : 4e-3)
            << where << ", step " << i + 1;
      }
    });
  }
};

TEST_F(ShardedFullTraining, EveryMethodHasTheLossesOfOneProcess) {
  for (const Method& method : methods())
    expect_one_process(recipe({"method=" + method.name, "training.accumulate=3", "training.steps=2", "safe.steps=2"}),
                       2);
}

TEST_F(ShardedFullTraining, AlsoOnFourRanksInBfloat16AndOfSomeWeights) {
  expect_one_process(recipe({}), 4);
  expect_one_process(recipe({}), 3, at::kBFloat16);
  expect_one_process(recipe({"training.weights=mlp.down_proj.weight$|norm"}), 3);
  expect_one_process(recipe({"training.weights=mlp.down_proj.weight$", "training.clip=0"}), 4);
  expect_one_process(recipe({"training.weights=layers.1.mlp"}), 2);  // nothing before them needs a gradient
}

TEST_F(ShardedFullTraining, SnapshotsContinueOnAnyNumberOfRanks) {
  const Outcome whole =
      outcome_of(recipe({"training.steps=6", "training.schedule=constant", "training.clip=0"}), at::kBFloat16, nullptr);
  fs::create_directories(folder_);
  int steps = 0;
  for (const int ranks : {1, 2, 4, 1}) {
    Snapshots kept = snapshots();
    steps = std::min(steps + 2, 6);
    const Recipe part =
        recipe({"training.steps=" + std::to_string(steps), "training.schedule=constant", "training.clip=0"});
    Outcome last;
    if (ranks == 1) {
      last = outcome_of(part, at::kBFloat16, nullptr, &kept);
    } else {
      as_ranks(ranks, [&](Group& group) {
        Outcome own = outcome_of(part, at::kBFloat16, &group, &kept);
        if (group.rank() == 0) last = std::move(own);
      });
    }
    ASSERT_EQ(last.steps.size(), static_cast<std::size_t>(steps));
    if (steps < 6) continue;
    EXPECT_LT(furthest(last.trained, whole.trained), 1e-2);
    EXPECT_NEAR(last.steps.back().loss, whole.steps.back().loss, 1e-5);
  }
}

TEST_F(ShardedFullTraining, ExchangesWhatThePlanSaysAndHoldsAShare) {
  const Recipe recipe = this->recipe({"training.accumulate=4"});
  const DecoderSpec spec = decoder_spec(base_.config(), "config.json");
  const Needs needs = training_needs(spec, model_size(spec, recipe), {.ranks = 2, .uses = 2}, recipe, {});
  as_ranks(2, [&](Group& group) {
    at::set_num_threads(1);
    const auto serving = serving_group(recipe, &group);
    RunData data = data_;
    CausalLM model = load_model(base_, load_for_training(recipe, {}, serving.get()));
    Tuning tuning(model, recipe);
    tuning.share_with(serving.get());
    // The reference is taken once, before the steps.
    std::uint64_t before = 0;
    tuning.reference(data.examples, data.normal.train);
    serving->serve();
    before = group.traffic().bytes;
    train_method(tuning, base_, data, {});
    serving->serve();
    const double all = static_cast<double>(group.traffic().bytes - before);
    const double reference = needs.ranks.share;  // one pass over the layers
    EXPECT_NEAR((all - reference) / 3 / (needs.ranks.gradients + needs.ranks.matrices), 1, 0.05);
  });
}

TEST_F(ShardedTraining, RefusesWhatNeedsTheWholeModel) {
  const auto refused = [&](const std::vector<std::string>& settings) {
    try {
      check_shardable(with_settings({}, settings));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string shard = "training.shard=true", lora = "tuning=lora";
  for (const std::string key : {"negation.rank=4", "negation.factors={mlp: 0.5}", "negation.repair.steps=3",
                                "evaluation.every=5", "config=config.json"})
    EXPECT_NE(refused({shard, key}).find(key.substr(0, key.find('='))), std::string::npos) << key;
  EXPECT_NE(refused({shard, "method=contrast", "keep_harmful=true"}).find("keep_harmful"), std::string::npos);
  EXPECT_EQ(refused({shard}), "");
  EXPECT_NE(refused({shard, lora, "evaluation.attacks=[relearn]"}).find("evaluation.attacks"), std::string::npos);
  EXPECT_NE(refused({shard, lora, "negation.survive=nf4"}).find("negation.survive"), std::string::npos);
  EXPECT_EQ(refused({shard, lora}), "");
  EXPECT_EQ(refused({"evaluation.attacks=[relearn]"}), "");
}

}  // namespace
}  // namespace lethe
