// Evaluations during training, early stop, and the cache of the original's answers, as a user sees them.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class Watch : public Program {
 protected:
  std::string job(const std::string& out, const std::string& settings) const {
    return "unlearn --quiet --threads 1 --model " + model_ + data() +
           " tuning=lora lora.dropout=0.1 training.steps=8 training.batch=2 training.lr=0.003 sku.k=2 "
           "evaluation.prompts=6 evaluation.max_new_tokens=12 evaluation.safe_prompts=false " +
           settings + " --out " + at(out);
  }
  std::string adapter(const std::string& out) const {
    return read_file(at(out + "/adapter/adapter_model.safetensors"));
  }
  // Lines of metrics.jsonl without the seconds.
  std::string metrics(const std::string& out) const {
    std::string text;
    for (const JsonLine& line : parse_json_lines(read_file(at(out + "/metrics.jsonl")), out)) {
      Json json = line.value;
      json.erase("seconds");
      text += json.dump() + "\n";
    }
    return text;
  }
  Outcome killed(const std::string& arguments, const std::string& out, int lines) const {
    const std::string file = at(out) + ".unfinished/metrics.jsonl";
    return shell(LETHE_PROGRAM " " + arguments + " & pid=$!; while kill -0 $pid 2> /dev/null && [ $(cat " + file +
                 " 2> /dev/null | wc -l) -lt " + std::to_string(lines) +
                 " ]; do sleep 0.01; done; kill -KILL $pid 2> /dev/null; wait $pid");
  }
};

const std::string kEvery = "evaluation.every=2 evaluation.every_prompts=4 ";

TEST_F(Watch, EvaluationsAreInTheMetricsAndTheReportAndChangeNoBit) {
  ASSERT_EQ(run(job("without", "")).status, 0);
  const Outcome with = run(job("with", kEvery));
  ASSERT_EQ(with.status, 0) << with.text;
  EXPECT_EQ(adapter("with"), adapter("without"));
  EXPECT_EQ(read_file(at("with/predictions.jsonl")), read_file(at("without/predictions.jsonl")));
  const auto lines = parse_json_lines(read_file(at("with/metrics.jsonl")), "metrics");
  ASSERT_EQ(lines.size(), 8U);
  for (const char* key : {"validation_loss", "validation_alpha", "validation_kl", "validation_harm",
                          "validation_broken", "validation_failed"}) {
    EXPECT_TRUE(lines[1].value.contains(key)) << key;
    EXPECT_FALSE(lines[2].value.contains(key)) << key;
  }
  EXPECT_NE(read_file(at("with/report.html")).find("Evaluations during training"), std::string::npos);
  EXPECT_EQ(read_file(at("without/report.html")).find("Evaluations during training"), std::string::npos);
}

TEST_F(Watch, AnEarlyStopIsToldAndSurvivesAKill) {
  // With alpha 0 every evaluation is of the original, so none is better than the first.
  const std::string settings = kEvery + "training.patience=2 negation.alpha=0 training.snapshot_steps=1 ";
  const Outcome whole = shell(LETHE_PROGRAM " " + job("whole", settings).replace(8, 8, ""));  // without --quiet
  expect_all(whole, 0,
             {"validation after step 2:", "(the best so far)", "stopping after 2 without improvement",
              "training stopped early, after step 6 of 8; the weights are those of step 2"});
  const Json record = read_json(at("whole/run.json"));
  EXPECT_EQ(record.at("training_end"),
            (Json{{"stopped_early", true}, {"last_step", 6}, {"kept_step", 2}, {"steps", 8}}));
  EXPECT_EQ(read_json(at("whole/results.json")).at("kept_step"), 2);
  EXPECT_NE(read_file(at("whole/report.html")).find("training stopped early"), std::string::npos);
  EXPECT_FALSE(fs::exists(at("whole/snapshots")));
  EXPECT_EQ(killed(job("killed", settings), "killed", 5).status, 128 + 9);
  expect_all(run("unlearn --resume " + at("killed") + " evaluation.every=3"), 3, {"evaluation.every", "start anew"});
  const Outcome resumed = run("unlearn --resume " + at("killed"));
  expect_all(resumed, 0, {"going on after step", "training stopped early, after step 6"});
  EXPECT_EQ(adapter("killed"), adapter("whole"));
  EXPECT_EQ(metrics("killed"), metrics("whole"));
}

TEST_F(Watch, PatienceNeedsEvaluationsAndAJudge) {
  expect_all(run(job("out", "training.patience=2")), 2, {"training.patience", "evaluation.every"});
  expect_all(run(job("out", kEvery + "training.patience=2 evaluation.judge=none")), 2, {"training.patience", "judge"});
  expect_all(
      run("reproduce --quiet --model " + model_ + data() + " " + kEvery + "training.patience=2 --out " + at("out")), 2,
      {"training.patience", "last step"});
  EXPECT_FALSE(fs::exists(at("out")));
}

TEST_F(Watch, FinetuneKeepsTheStepOfTheLowestValidationLoss) {
  const std::string job =
      "finetune --threads 1 --model " + model_ + " --data " + at("demo/few/normal.jsonl") +
      " tuning=lora training.steps=12 training.batch=2 training.lr=0.02 training.schedule=constant training.clip=0 ";
  expect_all(run(job + "evaluation.every=2 --out " + at("none")), 2, {"data.validation", "lethe split"});
  const Outcome tuned =
      run(job + "evaluation.every=2 training.patience=2 data.validation=" + at("demo/few/lawful.jsonl") + " --out " +
          at("ft"));
  expect_all(tuned, 0,
             {"validation after step 2:  loss", "the loss of data.validation", "the weights are those of step"});
  const Json end = read_json(at("ft/run.json")).at("training_end");
  double best = 1e9;
  std::int64_t step = 0;
  for (const JsonLine& line : parse_json_lines(read_file(at("ft/metrics.jsonl")), "metrics")) {
    if (!line.value.contains("validation_loss")) continue;
    if (line.value.at("validation_loss").get<double>() < best) {
      best = line.value.at("validation_loss").get<double>();
      step = line.value.at("step").get<std::int64_t>();
    }
  }
  EXPECT_EQ(end.at("kept_step"), step);
  EXPECT_EQ(end.at("last_step"), std::min<std::int64_t>(12, step + 4));  // two evaluations later
}

TEST_F(Watch, TheOriginalsAnswersAreComputedOnce) {
  const auto evaluate = [&](const std::string& out, const std::string& more = "") {
    return run("evaluate --threads 1 --model " + model_ + " --original " + model_ + " --seen " +
               at("demo/few/harmful.jsonl") + " --unseen " + at("demo/data/lawful.jsonl") + " --normal " +
               at("demo/few/normal.jsonl") + " --judge refusal --prompts 4 --max-new-tokens 8 " + more + " --out " +
               at(out));
  };
  const Outcome first = evaluate("first"), second = evaluate("second"), without = evaluate("without", "--no-cache");
  const std::string told = "the original's answers are those of ";
  EXPECT_EQ(first.text.find(told), std::string::npos);
  expect_all(second, 0, {told});
  expect_all(without, 0, {});
  EXPECT_EQ(without.text.find(told), std::string::npos);
  for (const char* file : {"results.json", "predictions.jsonl"}) {
    EXPECT_EQ(read_file(at(std::string("second/") + file)), read_file(at(std::string("first/") + file)));
    EXPECT_EQ(read_file(at(std::string("without/") + file)), read_file(at(std::string("first/") + file)));
  }
  const fs::path cache = fs::path(std::getenv("XDG_CACHE_HOME")) / "lethe/originals";
  EXPECT_EQ(fs::status(cache).permissions() & fs::perms::all, fs::perms::owner_all);
  for (const auto& entry : fs::directory_iterator(cache)) {
    EXPECT_EQ(entry.status().permissions() & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
    write_file(entry.path(), "damaged");
  }
  const Outcome third = evaluate("third");
  EXPECT_EQ(third.text.find(told), std::string::npos) << third.text;
  EXPECT_EQ(read_file(at("third/predictions.jsonl")), read_file(at("first/predictions.jsonl")));
  expect_all(evaluate("fourth"), 0, {told});  // replaced
}

}  // namespace
}  // namespace lethe
