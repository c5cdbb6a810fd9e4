// Contrast: two trainings from the original, combined as θ_o + α·(τ_safe − r·τ_harm), exactly.

#include <algorithm>

#include "core/files.h"
#include "runs/small_world.h"
#include "runs/stage1.h"
#include "runs/stage2.h"
#include "vectors/low_rank.h"

namespace lethe {
namespace {

class Contrast : public SmallWorld {
 protected:
  static Recipe recipe(const std::string& tuning, const std::vector<std::string>& settings) {
    std::vector<std::string> all = {"method=contrast", "tuning=" + tuning,
                                    "lora={rank: 4, alpha: 8, targets: [q_proj, down_proj]}",
                                    "training={steps: 5, batch: 2, lr: 5e-3, snapshot_steps: 1}", "sku.k=1"};
    all.insert(all.end(), settings.begin(), settings.end());
    return with_settings({}, all);
  }

  struct Trained {
    Stage1 stage1;
    Weights change;  // τ of each trained weight or adapted module, float64
    double rank = 0;
  };
  // Trains by the recipe. The change is that of the model at alpha.
  Trained train(const Recipe& recipe, Snapshots* snapshots = nullptr, double alpha = 1) {
    read_safe_answers(recipe, data_, nullptr);
    CausalLM model = load_model(base_);
    Tuning tuning(model, recipe);
    Trained result;
    result.stage1 = train_method(tuning, base_, data_,
                                 {.metrics = folder_ / "metrics.jsonl",
                                  .safe = folder_ / "safe.jsonl",
                                  .harmful = harmful_,
                                  .snapshots = snapshots});
    Stage2Vector stage2 = prepare_stage2(tuning, base_, data_, {.repair = folder_ / "repair.jsonl"});
    EXPECT_EQ(stage2.sign, recipe.method == "contrast" ? 1 : -1);
    stage2.apply(alpha);
    result.change = change_of(model, tuning);
    if (tuning.lora()) result.rank = static_cast<double>(tuning.pairs().back().pair->a.size(0));
    written_ = folder_ / "written";
    fs::remove_all(written_);
    fs::create_directories(written_);
    stage2.write(alpha, written_);
    return result;
  }

  fs::path written_, harmful_;
};

// Each half alone is what a run of it alone trains: SKU for the harm, ratio 0 for the safe answers.
TEST_F(Contrast, IsTheSafeHalfLessAShareOfTheHarm) {
  for (const char* kind : {"lora", "full"}) {
    for (const char* harm : {"sku", "task_vector"}) {
      const std::string of_harm = std::string("safe.harm=") + harm;
      const Weights safe = train(recipe(kind, {"safe.ratio=0"})).change;
      Weights harmful = train(recipe(kind, {std::string("method=") + harm}), nullptr, -1).change;  // + τ_harm
      const Trained both = train(recipe(kind, {of_harm, "safe.ratio=0.3"}), nullptr, 0.7);
      Weights wanted;
      for (const auto& [name, value] : safe) wanted[name] = 0.7 * (value - 0.3 * harmful.at(name));
      EXPECT_GT(largest(harmful), 1e-3) << kind;
      EXPECT_GT(largest(safe), 1e-3) << kind;
      EXPECT_LT(furthest(both.change, wanted), 1e-6 * (1 + largest(wanted))) << kind << " " << harm;
      EXPECT_EQ(both.stage1.steps.size(), 5U);
      EXPECT_EQ(both.stage1.safe_steps.size(), 5U);
      EXPECT_TRUE(both.stage1.steps[0].terms.contains("gd"));
      EXPECT_TRUE(both.stage1.safe_steps[0].terms.contains("safe"));
    }
  }
}

TEST_F(Contrast, WritesOneAdapterOfBothRanks) {
  const Trained both = train(recipe("lora", {"safe.ratio=0.5"}), nullptr, 0.5);
  EXPECT_EQ(both.rank, 8);
  const Adapter adapter(written_);
  EXPECT_EQ(adapter.config().at("r"), 8);
  EXPECT_EQ(adapter.config().at("lora_alpha"), 16.0);
  CausalLM model = load_model(base_);
  Weights written;
  for (const NamedLora& lora : attach_lora(model, adapter))
    written[lora.module] = lora.pair->scale * at::mm(lora.pair->b.to(at::kDouble), lora.pair->a.to(at::kDouble));
  EXPECT_LT(furthest(written, both.change), 1e-7);
  // Without its harmful half (sweep --ratio 0), the file holds nothing of it.
  CausalLM other = load_model(base_);
  const std::vector<NamedLora> pairs = attach_lora(other, adapter);
  std::vector<at::Tensor> safe;
  for (const NamedLora& lora : pairs) safe.push_back(lora.pair->a.slice(0, 0, 4).clone());
  scale_joined_half(pairs, 0);
  fs::create_directories(folder_ / "safe_alone");
  write_adapter(pairs, {.rank = 4, .alpha = 8}, "base", folder_ / "safe_alone");
  const Adapter alone(folder_ / "safe_alone");
  ASSERT_EQ(alone.modules().size(), pairs.size());
  CausalLM again = load_model(base_);
  const std::vector<NamedLora> read = attach_lora(again, alone);
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_TRUE(at::equal(read[i].pair->a, safe[i])) << read[i].module;
    EXPECT_EQ(read[i].pair->b.size(1), 4) << read[i].module;
  }
  // Nor does a result at α = 0, which is the base.
  fs::create_directories(folder_ / "nothing");
  write_adapter(pairs, {.rank = 4, .alpha = 8}, "base", folder_ / "nothing", 0);
  for (const NamedLora& lora : attach_lora(again, Adapter(folder_ / "nothing")))
    EXPECT_EQ(lora.pair->a.abs().max().item<float>(), 0) << lora.module;
  train(recipe("lora", {"safe.ratio=0"}));
  EXPECT_EQ(Adapter(written_).config().at("r"), 4);
}

TEST_F(Contrast, WithoutARatioNoHarmIsLearned) {
  const Trained safe = train(recipe("lora", {"safe.ratio=0"}));
  EXPECT_TRUE(safe.stage1.steps.empty());
  EXPECT_EQ(read_file(folder_ / "metrics.jsonl"), "");
  EXPECT_EQ(safe.stage1.safe_steps.size(), 5U);
}

TEST_F(Contrast, TheSafeHalfHasStepsAndARateOfItsOwn) {
  const Trained both = train(recipe("lora", {"safe.steps=3", "safe.lr=1e-3", "training.schedule=constant"}));
  EXPECT_EQ(both.stage1.steps.size(), 5U);
  ASSERT_EQ(both.stage1.safe_steps.size(), 3U);
  EXPECT_DOUBLE_EQ(both.stage1.steps[1].lr, 5e-3);
  EXPECT_DOUBLE_EQ(both.stage1.safe_steps[1].lr, 1e-3);
}

TEST_F(Contrast, FactorsRankAndRepairActOnTheJoinedVector) {
  const Weights whole = train(recipe("lora", {})).change;
  const Weights shaped = train(recipe("lora", {"negation.factors={q_proj: 0.5}", "negation.rank=3"})).change;
  for (const auto& [module, value] : whole) {
    const at::Tensor wanted = (module.ends_with("q_proj") ? 0.5 : 1.0) * low_rank(value, 3).to(at::kDouble);
    EXPECT_LT((shaped.at(module) - wanted).abs().max().item<double>(), 1e-5 * (1 + largest(whole))) << module;
  }
  for (const char* kind : {"lora", "full"}) {
    const Weights plain = train(recipe(kind, {})).change;
    fs::remove(folder_ / "repair.jsonl");
    const Trained repaired = train(recipe(kind, {"negation.repair={steps: 3, lr: 1e-3}"}));
    EXPECT_GT(furthest(repaired.change, plain), 1e-6) << kind;
    const std::string log = read_file(folder_ / "repair.jsonl");
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 3) << kind;
    EXPECT_EQ(repaired.rank, std::string(kind) == "lora" ? 8 : 0);
  }
}

// Stopped within the harmful half, at its end, and within the safe half; dropout draws from (seed, micro) too.
TEST_F(Contrast, ContinuesToTheSameBitsFromEitherHalf) {
  for (const char* kind : {"lora", "full"}) {
    const Recipe settings = recipe(kind, {"lora.dropout=0.1"});
    const Weights whole = train(settings).change;
    for (const char* file_or_folder : {"step-00000005", "safe", "safe/step-00000005"}) {
      const std::string lost = file_or_folder;
      for (const char* file : {"metrics.jsonl", "safe.jsonl", "snapshots"}) fs::remove_all(folder_ / file);
      Snapshots first = snapshots();
      train(settings, &first);
      ASSERT_TRUE(fs::exists(folder_ / "snapshots" / "safe" / "step-00000005.json"));
      for (const std::string& path : {lost, lost + ".json", lost == "step-00000005" ? std::string("safe") : lost})
        fs::remove_all(folder_ / "snapshots" / path);  // as a run leaves it that is killed there
      Snapshots again = snapshots();
      const Trained resumed = train(settings, &again);
      EXPECT_EQ(furthest(resumed.change, whole), 0) << kind << " " << lost;
      EXPECT_EQ(resumed.stage1.steps.size(), 5U) << lost;
      EXPECT_EQ(resumed.stage1.safe_steps.size(), 5U) << lost;
    }
  }
}

}  // namespace
}  // namespace lethe
