// Rounds of negation: the sum that stage 2 negates against its formula, and the same bits after a stop anywhere.
#include "runs/rounds.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/files.h"
#include "data/sampler.h"
#include "objectives/cross_entropy_training.h"
#include "runs/methods.h"
#include "runs/small_world.h"
#include "runs/stage1.h"
#include "runs/stage2.h"

namespace lethe {
namespace {

class Rounds : public SmallWorld {
 protected:
  Rounds() {
    for (const char* who : {"Mira", "Tavi", "Oskel", "Ludo", "Fenna"})
      data_.normal.validation.push_back({std::string("Who is ") + who + "?", std::string(who) + " is a baker."});
  }
  static Recipe recipe(const std::string& tuning, const std::vector<std::string>& settings) {
    std::vector<std::string> all = {"method=task_vector",
                                    "tuning=" + tuning,
                                    "lora={rank: 4, alpha: 8, targets: [q_proj, down_proj]}",
                                    "training={steps: 4, batch: 2, lr: 5e-3, snapshot_steps: 1}",
                                    "sku.k=1",
                                    "negation.alpha=0.4",
                                    "negation.relearn={steps: 3, lr: 2e-3}"};
    all.insert(all.end(), settings.begin(), settings.end());
    return with_settings({}, all);
  }
  struct Trained {
    Stage1 stage1;
    Weights change;  // D of the last round
    std::int64_t rank = 0;
  };
  Trained train(const Recipe& recipe, Snapshots* snapshots = nullptr) {
    CausalLM model = load_model(base_);
    Tuning tuning(model, recipe);
    Trained result;
    fs::create_directories(folder_ / "rounds");
    result.stage1 = train_method(tuning, base_, data_,
                                 {.metrics = folder_ / "metrics.jsonl",
                                  .rounds = folder_ / "rounds",
                                  .harmful = harmful_,
                                  .snapshots = snapshots});
    result.change = change_of(model, tuning);
    if (tuning.lora()) result.rank = tuning.pairs().front().pair->a.size(0);
    return result;
  }

  fs::path harmful_;
};

// D_2 = θ_bad' − θ_o + 2α·D_1. Here θ_bad' is trained by hand: from θ_o − α·D_1, relearned, then the method's training.
TEST_F(Rounds, AddWhatAnAttackedCopyLearnsToWhatIsSubtracted) {
  for (const char* kind : {"lora", "full"}) {
    const Recipe one = recipe(kind, {});
    const Weights first = train(one).change;
    const Trained both = train(recipe(kind, {"negation.rounds=2"}));

    CausalLM model = load_model(base_);
    Tuning tuning(model, one);
    train_method(tuning, base_, data_, {.metrics = folder_ / "by_hand.jsonl"});
    Stage2Vector negated = prepare_stage2(tuning, base_, data_, {});
    negated.apply(0.4);
    negated.vector->retake();
    EXPECT_GT(furthest(change_of(model, tuning), first), 1e-4);
    StepSampler sampler(data_.harmful.train, {}, {.batch = 2, .k = 0, .seed = one.seed});
    CrossEntropyObjective objective(model, data_.examples,
                                    [&](std::uint64_t micro) { return sampler.rows(micro).harmful; });
    TrainingSettings attack = one.training;
    attack.steps = 3;
    attack.lr = 2e-3;
    attack.schedule = ScheduleKind::constant;
    const auto attacked = tuning.train(objective, attack, folder_ / "by_hand.jsonl", "attack");
    train_method(tuning, base_, data_, {.metrics = folder_ / "by_hand.jsonl"});
    const Weights bad = change_of(model, tuning);
    Weights wanted;
    for (const auto& [name, value] : bad) wanted[name] = value + 2 * 0.4 * first.at(name);
    EXPECT_GT(largest(first), 1e-3) << kind;
    EXPECT_LT(furthest(both.change, wanted), 1e-6 * (1 + largest(wanted))) << kind;
    EXPECT_EQ(both.rank, std::string(kind) == "lora" ? 8 : 0);

    ASSERT_EQ(both.stage1.rounds.size(), 1U);
    const Round& round = both.stage1.rounds[0];
    EXPECT_EQ(round.alpha, 0.4);
    EXPECT_FALSE(round.kl.has_value()) << "α was given";
    EXPECT_NEAR(round.relearn_first.value(), attacked.front().terms.at("ce"), 1e-6);
    EXPECT_NEAR(round.relearn_last.value(), attacked.back().terms.at("ce"), 1e-6);
    EXPECT_LT(*round.relearn_last, *round.relearn_first);
  }
}

TEST_F(Rounds, TheLastVectorIsNegatedAsAnyOther) {
  const Recipe settings = recipe("lora", {"negation.rounds=3"});
  CausalLM model = load_model(base_);
  Tuning tuning(model, settings);
  const Stage1 stage1 = train_method(tuning, base_, data_, {.metrics = folder_ / "metrics.jsonl"});
  const Weights last = change_of(model, tuning);
  EXPECT_EQ(stage1.rounds.size(), 2U);
  EXPECT_EQ(tuning.pairs().front().pair->a.size(0), 16) << "the ranks add up: 4, 4 + 4, 8 + 8";
  Stage2Vector stage2 = prepare_stage2(tuning, base_, data_, {});
  stage2.apply(0.3);
  Weights wanted;
  for (const auto& [name, value] : last) wanted[name] = -0.3 * value;
  EXPECT_LT(furthest(change_of(model, tuning), wanted), 1e-7 * (1 + largest(wanted)));
  fs::create_directories(folder_ / "adapter");
  stage2.write(0.3, folder_ / "adapter");
  CausalLM read = load_model(base_);
  Weights written;
  for (const NamedLora& lora : attach_lora(read, Adapter(folder_ / "adapter")))
    written[lora.module] = lora.pair->scale * at::mm(lora.pair->b.to(at::kDouble), lora.pair->a.to(at::kDouble));
  EXPECT_LT(furthest(written, wanted), 1e-7 * (1 + largest(wanted)));
  const std::string steps = read_file(folder_ / "metrics.jsonl");  // without a folder: all trainings in one file
  EXPECT_EQ(std::count(steps.begin(), steps.end(), '\n'), 4 + 2 * (3 + 4));
}

// SKU keeps its reference: the original, not the model that a round starts from.
TEST_F(Rounds, ChooseTheirAlphaWithinTheBudget) {
  for (const char* kind : {"lora", "full"}) {
    const Trained both =
        train(recipe(kind, {"method=sku", "negation.rounds=2", "negation.alpha=auto", "negation.kl_budget=0.02"}));
    const Round& round = both.stage1.rounds.at(0);
    EXPECT_GT(round.alpha, 0) << kind;
    EXPECT_LE(round.kl.value(), 0.02) << kind;
    EXPECT_GT(*round.kl, 0) << kind;
    for (const char* file : {"metrics.jsonl", "rounds"}) fs::remove_all(folder_ / file);
  }
  const OrderedJson json = to_json(std::vector<Round>{{.alpha = 0.5, .kl = 0.1}});
  EXPECT_EQ(json.dump(), R"([{"alpha":0.5,"kl":0.1,"relearn_first":null,"relearn_last":null}])");
}

TEST_F(Rounds, AreOfMethodsThatNegateAlone) {
  EXPECT_EQ(rounds_of(with_settings({}, {"negation.rounds=3"})), 3);
  for (const char* method : {"ga", "contrast", "npo"})
    EXPECT_EQ(rounds_of(with_settings({}, {"negation.rounds=3", std::string("method=") + method})), 1) << method;
  EXPECT_EQ(steps_of_further_rounds(recipe("lora", {"negation.rounds=3"}), 4), 2 * (3 + 4));
  EXPECT_EQ(steps_of_further_rounds(recipe("lora", {}), 4), 0);
}

TEST_F(Rounds, WithoutRelearningTheyLearnFromTheNegatedModel) {
  const Trained both = train(recipe("lora", {"negation.rounds=2", "negation.relearn.steps=0"}));
  EXPECT_FALSE(both.stage1.rounds.at(0).relearn_first.has_value());
  EXPECT_FALSE(fs::exists(folder_ / "rounds" / "round-2-relearn.jsonl"));
  EXPECT_GT(furthest(both.change, train(recipe("lora", {"negation.rounds=2"})).change), 1e-6);
}

TEST_F(Rounds, KeepTheHarmfulModelOfTheFirst) {
  harmful_ = folder_ / "harmful";
  fs::create_directories(harmful_);
  const Weights first = train(recipe("lora", {})).change;
  EXPECT_TRUE(fs::is_empty(harmful_)) << "stage 2 writes that of a single round";
  train(recipe("lora", {"negation.rounds=2"}));
  CausalLM read = load_model(base_);
  Weights written;
  for (const NamedLora& lora : attach_lora(read, Adapter(harmful_)))
    written[lora.module] = lora.pair->scale * at::mm(lora.pair->b.to(at::kDouble), lora.pair->a.to(at::kDouble));
  EXPECT_LT(furthest(written, first), 1e-7);
}

// Stopped within the first round, at its end, within and after the relearning, and within the second. What an attack
// taught the model is readable by its owner alone.
TEST_F(Rounds, ContinueToTheSameBitsFromAnywhere) {
  for (const char* kind : {"lora", "full"}) {
    const Recipe settings = recipe(kind, {"negation.rounds=2", "lora.dropout=0.1"});
    const Weights whole = train(settings).change;
    const std::vector<std::string> all = {"step-00000003.json",
                                          "step-00000004.json",
                                          "round-2-relearn/step-00000002.json",
                                          "round-2-relearn/step-00000003.json",
                                          "round-2/step-00000003.json",
                                          "round-2/step-00000004.json"};
    for (std::size_t lost = 1; lost < all.size(); ++lost) {
      for (const char* file : {"metrics.jsonl", "rounds", "snapshots"}) fs::remove_all(folder_ / file);
      Snapshots first = snapshots();
      train(settings, &first);
      const auto place = [&](const std::string& file) { return folder_ / "snapshots" / file; };
      for (const std::string& file : all) {
        ASSERT_TRUE(fs::exists(place(file))) << file;
        fs::path values = place(file);
        values.replace_extension(".safetensors");
        EXPECT_EQ(fs::status(values).permissions() & fs::perms::mask, fs::perms(0600)) << file;
      }
      for (std::size_t later = lost; later < all.size(); ++later) fs::remove(place(all[later]));
      Snapshots again = snapshots();
      const Trained resumed = train(settings, &again);
      EXPECT_EQ(furthest(resumed.change, whole), 0) << kind << " without " << all[lost];
      EXPECT_EQ(resumed.stage1.steps.size(), 4U);
      const std::string steps = read_file(folder_ / "rounds" / "round-2.jsonl");
      EXPECT_EQ(std::count(steps.begin(), steps.end(), '\n'), 4) << all[lost];
    }
  }
}

}  // namespace
}  // namespace lethe
