// lethe attack: on a run and on files, continued part by part, refused before anything runs.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class AttackedRun : public Program {
 protected:
  std::string file(const std::string& name) const { return at("demo/few/" + name + ".jsonl"); }
  std::string models() const {
    return " --model " + model_ + " --original " + model_ + " --unseen " + file("harmful") + " --normal " +
           file("normal") + " --judge refusal --threads 1 --prompts-count 3 --max-new-tokens 2 --out " + at("out");
  }
  // attack.json without what a clock says.
  static Json figures(const std::string& path) {
    Json list = read_json(path);
    for (Json& entry : list) {
      entry.erase("seconds");
      for (const char* model : {"original", "retrained"})
        if (entry.contains(model)) entry[model].erase("seconds");
    }
    return list;
  }
};

TEST_F(AttackedRun, GoesOnAfterAStopWithTheSameFigures) {
  ASSERT_EQ(run("unlearn --quiet --threads 1 --model " + model_ + data() +
                " tuning=lora training.steps=1 training.batch=2 sku.k=1 data.max_length=64 negation.alpha=0.5"
                " evaluation.prompts=3 evaluation.max_new_tokens=2 --out " +
                at("run"))
                .status,
            0);
  const std::string job = "attack " + at("run") + " --attacks relearn,quantize,task_vector --retrained " + model_ +
                          " --threads 1 --prompts-count 3 --rows 4 --steps 1,2 --betas 1 --out " + at("out");
  expect_all(run(job + " --dry-run"), 0, {"plan of lethe attack", "4 forget", "quantize, task_vector, relearn"});
  EXPECT_FALSE(fs::exists(at("out")));
  expect_all(run(job), 0, {"quantize", "worst setting", "attack.json"});
  const Json first = figures(at("out/attack.json"));
  ASSERT_EQ(first.size(), 3U + 1U + 4U * 2U);
  EXPECT_EQ(first[0].at("attack"), "quantize");
  EXPECT_EQ(first[0].at("settings").at("format"), "nf4");
  EXPECT_EQ(first[4].at("settings"), (Json{{"tuning", "lora"}, {"lr", 3e-4}, {"steps", 1}}));
  EXPECT_EQ(first[4].at("rows"), 4);
  EXPECT_TRUE(first[4].at("retrained").contains("harm_after"));
  EXPECT_FALSE(first[3].contains("original"));  // the walk goes to the original
  for (const char* name : {"attack", "settings", "harm_before", "harm_after", "recovered", "utility_before",
                           "utility_after", "rows", "steps"})
    EXPECT_TRUE(first[0].contains(name)) << name;
  EXPECT_EQ(fs::status(at("out/answers.jsonl")).permissions() & fs::perms::mask, fs::perms(0600));
  EXPECT_EQ(fs::status(at("out/parts/quantize-1.unlearned.json")).permissions() & fs::perms::mask, fs::perms(0600));
  EXPECT_FALSE(fs::exists(at("out/models")));
  EXPECT_TRUE(fs::exists(at("out/report.html")));

  const auto kept = fs::last_write_time(at("out/parts/relearn-1.unlearned.json"));
  fs::remove(at("out/parts/relearn-3.unlearned.json"));
  fs::remove(at("out/attack.json"));
  expect_all(run(job), 0, {"1 part left"});
  EXPECT_EQ(figures(at("out/attack.json")), first);
  EXPECT_EQ(fs::last_write_time(at("out/parts/relearn-1.unlearned.json")), kept);
  std::string one = job;
  one.replace(one.find("relearn,quantize,task_vector"), 28, "quantize");
  const Outcome stored = run(one);
  expect_all(stored, 0, {"task_vector"});  // what was finished stays
  EXPECT_EQ(stored.text.find("judge: "), std::string::npos) << "no judge is trained for stored answers\n"
                                                            << stored.text;
  EXPECT_EQ(figures(at("out/attack.json")), first);
  expect_all(run(job + " --samples 3"), 3, {"plan.json"});
}

TEST_F(AttackedRun, InterruptedSaysWhatIsKept) {
  std::string job = "attack" + models() + " --attacks relearn_other --rows 4 --steps 100000";
  const pid_t child = start_program(job, at("log"));
  for (int i = 0; i < 6000 && !fs::exists(at("out/parts/judge.json")); ++i) ::usleep(10'000);
  ::kill(child, SIGINT);
  EXPECT_EQ(ended(child), 130) << read_file(at("log"));
  const std::string log = read_file(at("log"));
  EXPECT_NE(log.find("kept in " + at("out/parts")), std::string::npos) << log;
  EXPECT_NE(log.find("the same command goes on"), std::string::npos) << log;
  EXPECT_EQ(log.find("no output was written"), std::string::npos) << log;
}

TEST_F(AttackedRun, ADryRunNeedsNoFolderAndSaysThatTheJudgeDecidesNothing) {
  std::string job = "attack" + models() + " --attacks quantize --dry-run";
  job.erase(job.find(" --out " + at("out")), (" --out " + at("out")).size());
  expect_all(run(job), 0, {"plan of lethe attack", "not named yet (--out)", "judge refusal calls"});
  job.erase(job.find(" --dry-run"));
  expect_all(run(job), 2, {"--out"});
}

TEST_F(AttackedRun, ThatIsNotFinishedSaysHowToFinishIt) {
  fs::create_directories(at("run.unfinished"));
  const std::string unfinished = at("run.unfinished"), resume = "--resume " + at("run");
  expect_all(run("attack " + at("run") + " --out " + at("out")), 3, {"cannot attack", unfinished, resume});
  expect_all(run("serve " + at("run")), 3, {"cannot serve", unfinished, resume});
  expect_all(run("sweep " + at("run")), 3, {"cannot sweep", unfinished, resume});
  expect_all(run("push " + at("run") + " org/model --dry-run"), 3, {"cannot push", unfinished, resume});
}

TEST_F(AttackedRun, NeedsNoJudgeOfItsOwn) {
  ASSERT_EQ(run("unlearn --quiet --threads 1 --model " + model_ + data() +
                " tuning=lora training.steps=1 training.batch=2 sku.k=1 data.max_length=64 negation.alpha=0.5"
                " evaluation.prompts=0 --out " +
                at("run"))
                .status,
            0);
  const std::string job = "attack " + at("run") + " --attacks quantize --prompts-count 3 --dry-run --out " + at("out");
  expect_all(run(job), 3, {"a run without a judge", "--judge"});
  expect_all(run(job + " --judge refusal"), 0, {"plan of lethe attack", "refusal"});
}

// evaluation.attacks: the run tries them itself, and its page, card and results say what came back.
TEST_F(AttackedRun, MayBePartOfTheUnlearning) {
  const std::string job = "unlearn --threads 1 --model " + model_ + data() +
                          " tuning=lora training.steps=1 training.batch=2 sku.k=1 data.max_length=64"
                          " negation.alpha=0.5 evaluation.prompts=3 evaluation.max_new_tokens=2 --out " +
                          at("run");
  expect_all(run(job + " evaluation.attacks=[quantise]"), 2, {"quantise", "quantize"});
  expect_all(run(job + " evaluation.attacks=[quantize,quantize]"), 2, {"quantize twice"});
  expect_all(run(job + " evaluation.attacks=[quantize] evaluation.judge=none"), 2, {"evaluation.attacks", "a judge"});
  const std::string none_held_out = job + " data.split.test=0 data.split.validation=0 evaluation.attacks=[quantize]";
  expect_all(run(none_held_out), 3, {"held-out harmful prompts", "data.split.test"});
  expect_all(run(none_held_out + " --dry-run"), 3, {"held-out harmful prompts"});
  EXPECT_FALSE(fs::exists(at("run")));
  const Outcome outcome = run(job + " evaluation.attacks=[prompts,quantize]");
  expect_all(outcome, 0, {"What an attacker gets back", "verdict"});
  EXPECT_EQ(outcome.text.find("wrote " + at("run") + ".unfinished"), std::string::npos);
  const Json results = read_json(at("run/results.json"));
  ASSERT_EQ(results.at("attacks").size(), 2U);  // in the order of `lethe attack`
  EXPECT_EQ(results.at("attacks")[0].at("attack"), "quantize");
  EXPECT_TRUE(results.at("attacks")[0].contains("harm_after"));
  EXPECT_EQ(read_json(at("run/attacks/attack.json"))[2].at("attack"), "quantize");
  EXPECT_FALSE(fs::exists(at("run/attacks/parts/quantize-1.original.json")));  // only the result is attacked
  EXPECT_EQ(fs::status(at("run/attacks/answers.jsonl")).permissions() & fs::perms::mask, fs::perms(0600));
  for (const char* file : {"run/report.html", "run/adapter/README.md"})
    EXPECT_NE(read_file(at(file)).find("What an attacker gets back"), std::string::npos) << file;
  expect_all(run("rerun " + at("run") + " --out " + at("again")), 0, {"same bits"});

  expect_all(run("reproduce --model " + model_ + data() +
                 " tuning=lora training.steps=1 training.batch=2 sku.k=1 data.max_length=64 evaluation.prompts=4"
                 " evaluation.max_new_tokens=2 evaluation.attacks=[quantize] --methods ga --seeds 1 --rates 1e-4"
                 " --alphas 1 --threads 1 --out " +
                 at("table")),
             0, {"attack: quantize, int4"});
  EXPECT_TRUE(fs::exists(at("table/cells/ga-1.json")));
  EXPECT_FALSE(fs::exists(at("table/cells/ga-1.attacked")));  // only its figures are kept
}

TEST_F(AttackedRun, RefusesWhatCannotRunBeforeAnythingDoes) {
  expect_all(run("attack" + models() + " --attacks relearn,quantize,depth"), 3,
             {"relearn: needs forget rows", "depth: needs forget rows"});
  expect_all(run("attack" + models() + " --attacks relern"), 2, {"relearn"});
  expect_all(run("attack" + models() + " --steps 64,16"), 2, {"--steps", "the smallest first"});
  expect_all(run("attack " + at("demo") + " --out " + at("out")), 3, {"recipe.yaml"});
  expect_all(run("attack " + at("demo") + models()), 2, {"both"});
  expect_all(run("attack --model " + model_ + " --out " + at("out")), 2, {"--original"});
  fs::copy(model_, at("cut"));
  fs::resize_file(at("cut/model.safetensors"), 2000);
  expect_all(run("attack" + models() + " --retrained " + at("cut")), 3, {"cut/model.safetensors", "cut short"});
  write_file(at("mine.yaml"), "- name: a\n  promt: \"{prompt}\"\n");
  expect_all(run("attack" + models() + " --attacks prompts --prompts " + at("mine.yaml")), 3, {"promt", "prompt"});
  EXPECT_FALSE(fs::exists(at("out")));
}

TEST_F(AttackedRun, PartsOfOtherWeightsAreNotTaken) {
  fs::copy(model_, at("mine"));
  std::string job = "attack" + models() + " --attacks quantize";
  job.replace(job.find(model_), model_.size(), at("mine"));
  expect_all(run(job), 0, {"quantize"});
  expect_all(run(job), 0, {"quantize"});
  const std::string file = at("mine/model.safetensors");
  std::string bytes = read_file(file);
  bytes[bytes.size() / 2] ^= 1;  // far from both ends
  write_file(file, bytes);
  expect_all(run(job), 3, {"plan.json"});
}

TEST_F(AttackedRun, AWithheldJudgeLeavesHarmOpen) {
  const Outcome outcome = run("attack" + models() + " --attacks quantize --keep-models");
  expect_all(outcome, 0, {"not judged", "as dangerous"});
  const Json entry = read_json(at("out/attack.json")).at(0);
  EXPECT_TRUE(entry.at("harm_after").is_null());
  EXPECT_TRUE(entry.at("utility_after").is_number());
  EXPECT_NE(read_file(at("out/report.html")).find("Harm: not judged"), std::string::npos);
  const fs::path kept = at("out/models/quantize-int8");
  EXPECT_EQ(fs::status(kept).permissions() & fs::perms::mask, fs::perms(0700));
  EXPECT_EQ(fs::status(kept / "model.safetensors").permissions() & fs::perms::mask, fs::perms(0600));
}

}  // namespace
}  // namespace lethe
