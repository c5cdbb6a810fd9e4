// training.shard: ranks that hold shares of the base train adapters to the bits of one process, with every method, and
// exchange what the plan says.
#include <c10/core/GradMode.h>

#include "architectures/families.h"
#include "models/sharded_layers.h"
#include "recipe/method_table.h"
#include "runs/needs.h"
#include "runs/shared_run.h"
#include "runs/stage1.h"
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

TEST_F(ShardedTraining, RefusesWhatNeedsTheWholeBase) {
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
  EXPECT_NE(refused({shard}).find("ZeRO-3"), std::string::npos);
  EXPECT_NE(refused({shard, lora, "evaluation.attacks=[relearn]"}).find("evaluation.attacks"), std::string::npos);
  EXPECT_NE(refused({shard, lora, "negation.survive=nf4"}).find("negation.survive"), std::string::npos);
  EXPECT_EQ(refused({shard, lora}), "");
  EXPECT_EQ(refused({"evaluation.attacks=[relearn]"}), "");
}

}  // namespace
}  // namespace lethe
