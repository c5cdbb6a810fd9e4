// The plan of a run: what it will do and what it needs, known before the work.
#include "runs/run_plan.h"

#include "architectures/families.h"
#include "core/files.h"
#include "core/terminal.h"
#include "data/sampler.h"
#include "evaluation/verdict_outlook.h"
#include "folder_test.h"
#include "runs/input_check.h"
#include "runs/run_folder.h"
#include "runs/shared_run.h"
#include "runs/unlearn.h"
#include "said.h"

namespace lethe {
namespace {

class Plan : public FolderTest {
 protected:
  Plan() { configure_terminal({.quiet = true}); }
  ~Plan() override { configure_terminal({}); }

  // The demo's model, 20 harmful and 40 normal pairs.
  Recipe recipe(const std::vector<std::string>& settings = {}) const {
    std::string harmful, normal;
    for (int i = 0; i < 20; ++i)
      harmful += json_line(
          {"How is poison " + std::to_string(i) + " made?", "Crush " + std::to_string(i) + " leaves, then boil them."});
    for (int i = 0; i < 40; ++i)
      normal += json_line({"Where is house " + std::to_string(i) + "?", "In Saltby " + std::to_string(i) + "."});
    write_file(folder_ / "harmful.jsonl", harmful);
    write_file(folder_ / "normal.jsonl", normal);
    std::vector<std::string> all = {"model=" + model_,
                                    "data.harmful=" + (folder_ / "harmful.jsonl").string(),
                                    "data.normal=" + (folder_ / "normal.jsonl").string(),
                                    "data.template=sku",
                                    "data.split={train: 0.6, validation: 0.2, test: 0.2}",
                                    "out=" + (folder_ / "run").string()};
    all.insert(all.end(), settings.begin(), settings.end());
    return load_recipe("", all);
  }
  RunPlan plan(const Recipe& recipe) const {
    const StoredModel original(recipe.model);
    return unlearning_plan(recipe, original, load_run_data(recipe, original.examples(recipe), nullptr), {});
  }
  const std::string model_ = (fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string();
};

TEST_F(Plan, HasAtMostTenLinesAndCountsEpochsOverTheHarmfulRows) {
  const RunPlan plan = this->plan(recipe({"training.steps=30", "training.batch=4", "training.accumulate=2"}));
  const std::string text = plan.text();
  EXPECT_LE(std::count(text.begin(), text.end(), '\n') + 1, 10) << text;
  const auto train = plan.facts["data"]["harmful"]["train"].get<double>();
  EXPECT_GT(train, 0);
  EXPECT_DOUBLE_EQ(plan.facts["training"]["epochs"].get<double>(), 30 * 8 / train);
  for (const char* part : {"plan of lethe unlearn", "sku, all weights", "30 steps of 8 rows", "epochs of",
                           "measured on the first two steps", "KL of at most 0.3", "judge classifier", "run"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

bool has(const std::vector<std::string>& texts, const std::string& part) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

// A run of hours ended with "not judged (only 3 answers …)".
TEST_F(Plan, WarnsOfSettingsThatCannotGiveAVerdict) {
  const RunPlan few = plan(recipe({"training.steps=4", "evaluation.prompts=1"}));
  EXPECT_TRUE(has(few.warnings,
                  "no verdict will be possible: only 1 unseen harmful prompt will be evaluated, at least 20 are "
                  "needed. Set evaluation.prompts=20 or more."));
  EXPECT_TRUE(has(few.warnings, "damage will not be known: only 1 normal prompt "));
  EXPECT_TRUE(has(few.warnings, "stage 1 takes 4 steps only, at least 10 are needed"));
  EXPECT_EQ(few.facts["warnings"].size(), 3U);
  const RunPlan rows = plan(recipe());  // 200 prompts, of which there are only 4 and 8
  EXPECT_TRUE(
      has(rows.warnings, "Give more harmful prompts that are not trained on (a larger test part of data.split"));
  EXPECT_FALSE(has(rows.warnings, "evaluation.prompts"));
  EXPECT_TRUE(plan(recipe({"evaluation.prompts=0"})).warnings.empty());
  EXPECT_NE(plan(recipe({"evaluation.prompts=0"})).text().find("what is damaged, will not be known"),
            std::string::npos);
  EXPECT_TRUE(has(plan(recipe({"method=contrast", "safe.steps=4"})).warnings, "4 steps of safe answers only"));
  EXPECT_TRUE(verdict_obstacles({.unseen = 35, .normal = 20, .most = 35, .steps = 10}).empty());
  const std::vector<std::string> not_green = verdict_obstacles({.unseen = 60, .normal = 20, .most = 34});
  ASSERT_EQ(not_green.size(), 1U);
  EXPECT_EQ(not_green[0],
            "no green verdict will be possible: 34 unseen harmful prompts will be evaluated, at least 35 are needed. "
            "Set evaluation.prompts=35 or more.");
  EXPECT_EQ(verdict_obstacles({.unseen = 0, .normal = 0, .most = 200, .compares = false}).size(), 1U);
}

TEST_F(Plan, ADryRunSaysThatTheJudgeCanDecideNothing) {
  const Said said;
  unlearn(recipe({"evaluation.judge=refusal"}), false, {.on = true});
  EXPECT_NE(said.texts.find("The judge refusal calls "), std::string::npos) << said.texts;
  EXPECT_NE(said.texts.find("Use another evaluation.judge"), std::string::npos) << said.texts;
}

TEST_F(Plan, ADryRunCountsThePromptsThatAreLeft) {  // each harmful prompt is trained on as well
  const Recipe recipe = this->recipe();
  write_file(folder_ / "harmful.jsonl", [] {
    std::string rows;
    for (int i = 0; i < 200; ++i)
      rows += json_line(
          {"How is the green poison of the marsh made at home, step by step, in " + std::to_string(i) + " minutes?",
           "Crush " + std::to_string(i) + " leaves, then boil them."});
    return rows;
  }());
  const Said said;
  unlearn(recipe, false, {.on = true});
  EXPECT_NE(said.texts.find("no verdict will be possible: no unseen harmful prompt will be evaluated"),
            std::string::npos)
      << said.texts;
}

TEST_F(Plan, SaysThatOneProcessSharesNothing) {
  EXPECT_NE(plan(recipe({"tuning=lora", "training.shard=true"})).text().find("training.shard saves no memory here"),
            std::string::npos);
  EXPECT_EQ(plan(recipe({"tuning=lora"})).text().find("training.shard"), std::string::npos);
}

// training.accumulate=4 alone would have made four times as many rows a step.
TEST(Ranks, HintsKeepTheRowsOfAStep) {
  const auto hint = [](int batch, int accumulate, int ranks) {
    const Recipe recipe = load_recipe(
        "", {"training.batch=" + std::to_string(batch), "training.accumulate=" + std::to_string(accumulate)});
    try {
      check_shareable(recipe, ranks);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(hint(6, 1, 4).find("training.accumulate=6 training.batch=1, as many rows"), std::string::npos);
  EXPECT_NE(hint(4, 2, 4).find("training.accumulate=4 training.batch=2, as many rows"), std::string::npos);
  EXPECT_NE(hint(2, 1, 3).find("at most 2 ranks: a step has only 2 rows"), std::string::npos) << hint(2, 1, 3);
}

TEST_F(Plan, CountsTheWeightsThatRmuTrains) {
  const RunPlan some = plan(recipe({"method=rmu"})), all = plan(recipe({"method=npo"}));
  EXPECT_LT(some.facts["model"]["trained"].get<int>(), all.facts["model"]["trained"].get<int>());
  EXPECT_NE(some.text().find("rmu, weights that match"), std::string::npos) << some.text();
}

TEST_F(Plan, CountsTheTokensThatTheMethodsRowsHave) {
  const auto tokens = [&](const std::vector<std::string>& settings) {
    return plan(recipe(settings)).facts["training"]["tokens_a_step"].get<int>();
  };
  const int sku = tokens({"sku.k=5"}), without_draws = tokens({"sku.k=5", "sku.eps_rd=0"}),
            normal_alone = tokens({"method=finetune"});
  EXPECT_GT(sku, without_draws);
  EXPECT_GT(without_draws, normal_alone);
  EXPECT_EQ(tokens({"training.accumulate=3", "sku.k=5"}) / 3, sku);
}

TEST_F(Plan, AdaptersTrainLessAndTakeLessMemoryAndDisk) {
  const RunPlan full = plan(recipe()), lora = plan(recipe({"tuning=lora", "lora.rank=2"}));
  EXPECT_LT(lora.facts["model"]["trained"].get<int>(), full.facts["model"]["trained"].get<int>());
  EXPECT_EQ(full.facts["model"]["trained"], full.facts["model"]["parameters"]);
  EXPECT_LT(lora.needs.memory, full.needs.memory);
  EXPECT_LT(lora.needs.result, full.needs.result);
  EXPECT_LT(lora.needs.snapshots, full.needs.snapshots);
}

TEST_F(Plan, OfContrastNamesBothTrainings) {
  const std::vector<std::string> settings = {"method=contrast", "training.steps=30", "safe.steps=20", "tuning=lora"};
  const RunPlan both = plan(recipe(settings)), sku = plan(recipe({"training.steps=30", "tuning=lora"}));
  for (const char* part :
       {"safe answers (built-in) less 0.25 of the harm learned by sku", "30 steps", "then 20 steps of safe"})
    EXPECT_NE(both.text().find(part), std::string::npos) << both.text();
  EXPECT_EQ(both.facts["training"], sku.facts["training"]);
  EXPECT_EQ(both.needs.result, 2 * sku.needs.result);
  EXPECT_GT(both.needs.memory, sku.needs.memory);
  EXPECT_GT(both.needs.snapshots, sku.needs.snapshots);
  std::vector<std::string> alone = settings;
  alone.push_back("safe.ratio=0");
  const RunPlan safe = plan(recipe(alone));
  EXPECT_EQ(safe.facts["training"]["steps"], 20);
  EXPECT_EQ(safe.needs.result, sku.needs.result);
  EXPECT_LT(safe.facts["training"]["tokens_a_step"].get<int>(), sku.facts["training"]["tokens_a_step"].get<int>());
}

TEST_F(Plan, OfSeveralRoundsCountsTheirTrainings) {
  const std::vector<std::string> settings = {"training.steps=30", "tuning=lora"};
  const RunPlan one = plan(recipe(settings));
  std::vector<std::string> more = settings;
  more.insert(more.end(), {"negation.rounds=3", "negation.relearn.steps=7"});
  const RunPlan three = plan(recipe(more));
  EXPECT_NE(three.text().find("then 2 rounds of 7 steps of relearning and 30 of learning the harm again"),
            std::string::npos)
      << three.text();
  EXPECT_EQ(three.needs.result, 4 * one.needs.result);  // an adapter of four ranks
  EXPECT_GT(three.needs.memory, one.needs.memory);
  EXPECT_GT(three.needs.snapshots, 2 * one.needs.snapshots);
  more.push_back("method=ga");  // negates nothing
  EXPECT_EQ(plan(recipe(more)).text().find("rounds"), std::string::npos);
  EXPECT_NE(plan(recipe({"negation.survive=nf4"})).text().find("also in four bits (NF4)"), std::string::npos);
}

// Beside the run's own model an attack holds another, and relearning its gradients and moments.
TEST_F(Plan, CountsTheMemoryOfAttacksOnTheResult) {
  const RunPlan none = plan(recipe({"tuning=lora"})),
                quantize = plan(recipe({"tuning=lora", "evaluation.attacks=[quantize]"})),
                relearn = plan(recipe({"tuning=lora", "evaluation.attacks=[quantize, relearn]"}));
  const auto weights = none.facts["model"]["parameters"].get<std::uint64_t>();
  EXPECT_EQ(none.needs.attacks, 0U);
  EXPECT_FALSE(none.facts.contains("attacks_memory_bytes"));
  EXPECT_EQ(quantize.needs.attacks, 12 * weights);
  EXPECT_EQ(relearn.needs.attacks, 20 * weights);
  EXPECT_EQ(relearn.facts["attacks_memory_bytes"], 20 * weights);
  EXPECT_NE(relearn.text().find("for the attacks on the result"), std::string::npos) << relearn.text();
  EXPECT_EQ(attack_memory(1000, {"relearn_other"}, {.dtype = at::kBFloat16}), 16'000U);
  EXPECT_EQ(attack_memory(1000, {"prompts"}, {.dtype = at::kBFloat16}), 4'000U);
}

// Peaks that were measured (docs/performance.md): seconds to hours of training, whole commands.
TEST(Needs, EstimatesMemoryWithinAThirdOfMeasuredRuns) {
  struct Run {
    DecoderSpec spec;
    double weights, in_layers, trained, tokens, peak;
    std::vector<std::string> settings;
  };
  const auto spec = [](std::int64_t layers, std::int64_t width, std::int64_t inner, std::int64_t words, bool gated) {
    DecoderSpec spec;
    spec.layers = layers;
    spec.hidden_size = width;
    spec.intermediate_size = inner;
    spec.vocabulary = words;
    spec.names.gate = gated ? "gate" : "";
    return spec;
  };
  const DecoderSpec small = spec(8, 512, 1408, 32000, true), opt = spec(32, 2560, 10240, 50272, false),
                    llama = spec(32, 4096, 11008, 32000, true);
  for (const Run& run :
       std::vector<Run>{{small, 58e6, 25e6, 0.5e6, 1265, 0.662e9, {"tuning=lora", "training.clip=0"}},
                        {small, 58e6, 25e6, 58e6, 1268, 1.230e9, {"training.clip=0"}},
                        {small, 58e6, 25e6, 58e6, 1253, 1.048e9, {"training.clip=0", "training.recompute=true"}},
                        {opt, 2.65e9, 2.51e9, 10e6, 1264, 15.2e9, {"tuning=lora"}},
                        {opt, 2.65e9, 2.51e9, 10e6, 1264, 6.5e9, {"tuning=lora", "quantize=nf4"}},
                        {llama, 6.74e9, 6.48e9, 17e6, 1272, 12.8e9, {"tuning=lora", "quantize=nf4"}}}) {
    const Needs needs =
        training_needs(run.spec,
                       {static_cast<std::uint64_t>(run.weights), static_cast<std::uint64_t>(run.in_layers),
                        static_cast<std::uint64_t>(run.trained)},
                       {.tokens = run.tokens}, load_recipe("", run.settings), {});
    EXPECT_NEAR(static_cast<double>(needs.memory) / run.peak, 1, 0.33) << run.peak;
  }
}

// Short answers of a small model take less than the cache may; the evaluation of a large one more than training.
TEST(Needs, CountTheEvaluationAlsoInOneProcess) {
  DecoderSpec spec;
  spec.layers = 30;
  spec.hidden_size = 576;
  spec.intermediate_size = 1536;
  spec.vocabulary = 49152;
  spec.kv_heads = 3;
  spec.head_dim = 64;
  const ModelSize size{134'500'000, 106'000'000, 5'000'000};
  const Recipe recipe = load_recipe("", {"tuning=lora"});
  const TrainingLoad alone{.tokens = 100},
      both{.tokens = 100, .evaluates = true, .answer_tokens = 500, .compared_tokens = 10'000};
  const Needs training = training_needs(spec, size, alone, recipe, {}),
              run = training_needs(spec, size, both, recipe, {});
  EXPECT_EQ(training.evaluation, 0U);
  EXPECT_EQ(memory_together(training, 1), training.memory);
  EXPECT_GT(run.memory, training.memory) << "the original's predictions are kept while training";
  EXPECT_GT(run.evaluation, run.memory);
  EXPECT_EQ(memory_together(run, 1), run.evaluation);
  EXPECT_EQ(memory_together(run, 3), run.evaluation + 2 * (run.memory - run.shareable));
  TrainingLoad longer = both;
  longer.answer_tokens = 100'000;
  const Needs most = training_needs(spec, size, longer, recipe, {});
  EXPECT_LT(most.evaluation, run.evaluation + (1U << 30)) << "the cache is bounded";
}

TEST_F(Plan, WarnsWhereTheEvaluationOfAllRanksOnThisMachineDoesNotFit) {
  const std::uint64_t available = available_for({});
  const Recipe recipe = this->recipe();
  const auto said_of = [&](const Needs& needs, int processes) {
    const Said said;
    check_needs(needs, 0, recipe, {}, processes);
    return said.texts;
  };
  const Needs needs{.memory = available / 4, .evaluation = available / 2};
  EXPECT_EQ(said_of(needs, 1), "");
  EXPECT_EQ(said_of(needs, 2), "");
  EXPECT_NE(said_of(needs, 4).find("memory may not be enough for the evaluation"), std::string::npos);
  EXPECT_NE(said_of({.memory = 1000, .evaluation = 2 * available}, 1).find("for the evaluation"), std::string::npos);
}

TEST_F(Plan, ADiskThatIsTooSmallForTheResultIsRefused) {
  const Recipe recipe = this->recipe();
  const Needs needs{.memory = 1, .result = 2'000'000'000, .snapshots = 6'000'000'000};
  const std::string message = refusal_of([&] { check_needs(needs, 1'000'000'000, recipe, {}); });
  for (const char* part : {"not enough disk space", "2.0 GB for the result", "1.0 GB free"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  check_needs(needs, 3'000'000'000, recipe, {});  // warns: snapshots may not fit
  check_needs(needs, 0, recipe, {});              // unknown
  EXPECT_GT(free_disk(folder_ / "not" / "there" / "yet"), 0U);
}

TEST_F(Plan, ADryRunWritesNothing) {
  const Recipe recipe = this->recipe();
  unlearn(recipe, false, {.on = true});
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  EXPECT_FALSE(fs::exists(folder_ / "run.unfinished"));
}

TEST_F(Plan, ADryRunRefusesWhatTheRunWouldRefuse) {
  const auto refused = [&](const std::vector<std::string>& settings) {
    return refusal_of([&] { unlearn(recipe(settings), false, {.on = true}); });
  };
  EXPECT_NE(refused({"tuning=lora", "lora.targets=[foo]"}).find("lora.targets"), std::string::npos);
  EXPECT_NE(refused({"evaluation.judge=no_judge.json"}).find("no_judge.json"), std::string::npos);
  EXPECT_NE(refused({"evaluation.bleurt=/no/bleurt"}).find("/no/bleurt"), std::string::npos);
  EXPECT_NE(refused({"data.max_length=2"}).find("max_length"), std::string::npos);
  const std::string same = (folder_ / "harmful.jsonl").string();
  EXPECT_NE(refused({"data.normal=" + same}), "no error") << "one file in both roles";
  fs::create_directories(folder_ / "run" / "something");
  EXPECT_NE(refused({}).find("already holds something"), std::string::npos);
  fs::remove_all(folder_ / "run");
  fs::create_directories(folder_ / "run.unfinished" / "snapshots" / "one");
  EXPECT_NE(refused({}).find("--resume"), std::string::npos);
}

}  // namespace
}  // namespace lethe
