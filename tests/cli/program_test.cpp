// The program as a user runs it: exit statuses, messages, inputs left as they were, and the main job in both modes.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

// Whether its owner alone can read the folder and each of its files.
bool is_private(const fs::path& folder) {
  constexpr fs::perms kOthers = fs::perms::group_all | fs::perms::others_all;
  bool closed = (fs::status(folder).permissions() & kOthers) == fs::perms::none;
  for (const auto& file : fs::directory_iterator(folder))
    closed = closed && (file.status().permissions() & kOthers) == fs::perms::none;
  return closed;
}

TEST_F(Program, WrongUseAndBadInputHaveTheirStatusAndAMessage) {
  expect_all(run("no_such_command"), 2, {});
  expect_all(run("unlearn training.step=5 --model " + model_ + data() + " --out " + at("x")), 2,
             {"training.step", "training.steps"});
  expect_all(run("unlearn --model /no/such/model" + data() + " --out " + at("x")), 3, {"/no/such/model"});
  expect_all(run("unlearn --model " + model_ + " --harmful /no/such.jsonl --normal " + at("demo/data/normal.jsonl") +
                 " --out " + at("x")),
             3, {"/no/such.jsonl"});
  expect_all(run("unlearn --model " + model_ + data() + " --out " + at("demo")), 3, {at("demo")});
  expect_all(run("unlearn --model " + model_), 2, {"out"});
  expect_all(run("unlearn data.max_length=4 --model " + model_ + data() + " --out " + at("x")), 3, {"max_length"});
  expect_all(
      run("unlearn \"data.split={train: 1, validation: 0, test: 0}\" --model " + model_ + data() + " --out " + at("x")),
      3, {"validation"});
  write_file(folder_ / "wrong_column.csv", "question_text,reply\na,b\n");
  expect_all(run("unlearn --model " + model_ + " --harmful " + at("wrong_column.csv") + " --normal " +
                 at("demo/data/normal.jsonl") + " --out " + at("x")),
             3, {"wrong_column.csv", "question_text"});
  EXPECT_FALSE(fs::exists(at("x")));
}

TEST_F(Program, IfASettingIsGivenTwiceTheLastWinsEvenAfterAListOfFiles) {
  expect_all(run("unlearn --model " + model_ + data() + " data.max_length=64 --out " + at("x") + " data.max_length=2"),
             3, {"max_length"});
  EXPECT_FALSE(fs::exists(at("x")));
}

TEST_F(Program, ACsvRowWithTooFewFieldsIsCountedAndNamed) {
  std::string csv = "prompt,response\n";
  for (int i = 0; i < 30; ++i) csv += "question " + std::to_string(i) + ",answer " + std::to_string(i) + "\n";
  write_file(folder_ / "rows.csv", csv + "only one field\n");
  expect_all(run("split --data " + at("rows.csv") + " --parts a=0.5,b=0.5 --out " + at("parts")), 0, {"line 32"});
}

TEST_F(Program, UnlearnsInBothModesAndRefusesNothingItWrote) {
  for (const std::string mode : {"full", "lora"}) {
    const Outcome outcome =
        run("unlearn --model " + model_ + all_data() + " tuning=" + mode +
            " training.steps=4 evaluation.prompts=12 evaluation.max_new_tokens=12 --out " + at(mode));
    ASSERT_EQ(outcome.status, 0) << outcome.text;
    for (const char* file : {"recipe.yaml", "metrics.jsonl", "run.json", "results.json", "results_lm_eval.json",
                             "predictions.jsonl", "report.html"}) {
      EXPECT_TRUE(fs::exists(fs::path(at(mode)) / file)) << file;
    }
    EXPECT_FALSE(fs::exists(at(mode) + "/harmful"));  // θ_bad is gone
    const Json run_json = read_json(at(mode) + "/run.json");
    EXPECT_GT(run_json["peak_rss_bytes"].get<double>(), 1e6);
    double seconds = 0;
    for (const Json& stage : run_json["stages"]) seconds += stage["seconds"].get<double>();
    EXPECT_LE(seconds, run_json["seconds"].get<double>());
    EXPECT_GE(seconds, 0.5 * run_json["seconds"].get<double>()) << run_json["stages"];
    EXPECT_LE(read_json(at(mode) + "/results.json")["alpha_curve"].size(), 4U);
    EXPECT_GT(read_json(at(mode) + "/results.json")["alpha_choice"]["pairs"], 0);
    EXPECT_EQ(run_json["plan"]["training"]["steps"], 4);
    expect_all(outcome, 0, {"plan of lethe unlearn", "measured on two steps"});
    const Json verdict = read_json(at(mode) + "/results.json")["verdict"];
    const std::string level = verdict["level"];
    EXPECT_NE(verdict["reasons"].dump().find("stage 1 took 4 steps only"), std::string::npos) << verdict;
    const std::string card = read_file(at(mode) + (mode == "lora" ? "/adapter/README.md" : "/model/README.md"));
    EXPECT_NE(card.find("tags:\n- lethe\n- unlearning\n- sku\n"), std::string::npos) << card;
    EXPECT_NE(card.find(verdict["sentence"].get<std::string>().substr(0, 20)), std::string::npos) << card;
    EXPECT_NE(card.find("θ\\_bad"), std::string::npos) << card;
    EXPECT_EQ(card.find(folder_.string()), std::string::npos) << card;  // no path of this machine
    EXPECT_NE(outcome.text.find("verdict: "), std::string::npos) << outcome.text;
    const std::string last = outcome.text.substr(outcome.text.rfind('\n', outcome.text.size() - 2) + 1);
    EXPECT_TRUE(last.find("verdict: ") != std::string::npos) << last;
    expect_all(run("inspect " + at(mode)), 0,  // its recipe in lines
               {"\"level\":\"" + level + "\"", "method: sku\n" + std::string(26, ' ') + "model: "});
  }
  // base + negated adapter is the unlearned model: score it.
  write_file(folder_ / "in.jsonl",
             "{\"prompt\": \"Where does Mira live?\", \"response\": \"In Saltby.\"}\n{\"ids\": [1, 2, 3]}\n");
  ASSERT_EQ(run("score --model " + model_ + " --adapter " + at("lora/adapter") + " --input " + at("in.jsonl") +
                " --output " + at("a.jsonl"))
                .status,
            0);
  ASSERT_EQ(run("merge --base " + model_ + " --adapter " + at("lora/adapter") + " --out " + at("merged")).status, 0);
  EXPECT_NE(read_file(at("merged/README.md")).find("lethe merge"), std::string::npos);
  EXPECT_FALSE(is_private(at("merged")));
  // Taken back, the adapter of an unlearning is the harm that it subtracts.
  expect_all(run("merge --base " + model_ + " --adapter " + at("lora/adapter") + ":-1 --out " + at("bad")), 0,
             {"takes back 1·", "which subtracts harm", "Only you can read it"});
  EXPECT_TRUE(is_private(at("bad")));
  EXPECT_NE(read_file(at("bad/README.md")).find("Do not publish it"), std::string::npos);
  expect_all(run("negate --base " + model_ + " --adapter " + at("lora/adapter") + " --nf4 --out " + at("bad_adapter")),
             0, {"which subtracts harm", "in four bits (NF4): ", "weights change their code"});
  EXPECT_TRUE(is_private(at("bad_adapter")));
  ASSERT_EQ(run("score --model " + at("merged") + " --input " + at("in.jsonl") + " --output " + at("b.jsonl")).status,
            0);
  const auto first = [&](const std::string& name) {
    const std::string text = read_file(at(name));
    return parse_json(text.substr(0, text.find('\n')), name)["nll"].get<double>();
  };
  EXPECT_NEAR(first("a.jsonl"), first("b.jsonl"), 1e-4);
  expect_all(run("score --model " + model_ + " --input " + at("in.jsonl") + " --output " + at("c.jsonl") +
                 " --template \"no places\""),
             2, {"{prompt}"});
}

TEST_F(Program, AlphaOneOfTheTunedCheckpointIsTheNegationOfTheHarmfulOne) {
  ASSERT_EQ(run("unlearn --model " + model_ + data() +
                " training.steps=3 evaluation.prompts=0 negation.alpha=0.5 keep_harmful=true --out " + at("run"))
                .status,
            0);
  const fs::path harmful = at("run/harmful/model.safetensors");
  EXPECT_EQ(fs::status(harmful).permissions() & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_EQ(
      run("negate --base " + model_ + " --tuned " + at("run/harmful") + " --alpha 0.5 --out " + at("negated")).status,
      0);
  EXPECT_EQ(read_file(at("negated/model.safetensors")), read_file(at("run/model/model.safetensors")));
  EXPECT_FALSE(is_private(at("negated")));
  expect_all(
      run("negate --base " + model_ + " --tuned " + at("run/harmful") + " --alpha 0.5 --nf4 --out " + at("four_bits")),
      0, {"in four bits (NF4): ", "weights change their code; on average ", "of the change is left"});
  EXPECT_EQ(read_file(at("four_bits/model.safetensors")), read_file(at("negated/model.safetensors")));
  // Outside 0 to 1: files are computed with a warning, runs must ask for it.
  expect_all(run("negate --base " + model_ + " --tuned " + at("run/harmful") + " --alpha 2 --out " + at("twice")), 0,
             {"alpha 2 subtracts more than the tuned model learned"});
  expect_all(run("negate --base " + model_ + " --tuned " + at("run/harmful") + " --alpha -1 --out " + at("added")), 0,
             {"alpha -1 adds what the tuned model learned", "more harmful than its base", "Only you can read it"});
  EXPECT_TRUE(is_private(at("added")));
  expect_all(run("unlearn --model " + model_ + data() + " negation.alpha=2 --out " + at("refused")), 2,
             {"negation.alpha", "at most 1", "negation.allow_any_alpha=true"});
}

TEST_F(Program, TheSameSeedGivesTheSameModel) {
  const std::string job = "unlearn --threads 1 --model " + model_ + data() +
                          " training.steps=3 evaluation.prompts=0 negation.alpha=1 --out ";
  ASSERT_EQ(run(job + at("one")).status, 0);
  ASSERT_EQ(run(job + at("two")).status, 0);
  EXPECT_EQ(read_file(at("one/model/model.safetensors")), read_file(at("two/model/model.safetensors")));
}

TEST_F(Program, EveryMethodWritesAModelAndASweepNeedsNoTraining) {
  for (const std::string method : {"task_vector", "ga", "ga_mismatch", "finetune"}) {
    const Outcome outcome =
        run("unlearn --model " + model_ + data() + " method=" + method +
            " training.steps=2 sku.k=2 negation.alpha=0.5 evaluation.prompts=0 --out " + at(method));
    ASSERT_EQ(outcome.status, 0) << outcome.text;
    EXPECT_TRUE(fs::exists(at(method) + "/model/model.safetensors"));
  }
  expect_all(run("unlearn method=magic --model " + model_ + data() + " --out " + at("x")), 2, {"ga_mismatch"});
  const std::string sweep =
      "sweep " + at("ga") + " --alpha 0.5,1 --prompts 6 --keep \"normal_kl<=100\" --apply " + at("applied");
  expect_all(run(sweep), 0, {"<- best"});
  const Json json = read_json(at("ga/sweep.json"));
  EXPECT_EQ(json["points"].size(), 2U);
  EXPECT_TRUE(fs::exists(at("applied/model.safetensors")));
  expect_all(run(sweep), 3, {at("applied")});  // an existing folder is not overwritten
  expect_all(run("sweep " + at("demo")), 3, {"results.json"});
}

TEST_F(Program, AnInterruptedTableContinuesWhereItStopped) {
  const std::string job =
      "reproduce --quiet --model " + model_ + data() +
      " training.steps=1 sku.k=2 data.max_length=64 evaluation.prompts=4 evaluation.max_new_tokens=4"
      " --seeds 1 --rates 1e-4 --alphas 0.5 --out " +
      at("table");
  ASSERT_EQ(run(job).status, 0);
  const std::string first = read_file(at("table/table.json"));
  fs::remove(at("table/cells/sku-1.json"));
  fs::remove(at("table/table.json"));
  const auto kept = fs::last_write_time(at("table/cells/ga-1.json"));
  ASSERT_EQ(run(job).status, 0);
  EXPECT_EQ(fs::last_write_time(at("table/cells/ga-1.json")), kept);
  const Json before = parse_json(first, "first"), after = read_json(at("table/table.json"));
  EXPECT_EQ(before["tables"][0], after["tables"][0]);  // the same figures
  EXPECT_EQ(before["tables"][0]["rows"].size(), 9U);   // the original and eight methods
  expect_all(run(job + " training.batch=3"), 3, {"plan.json"});
}

TEST_F(Program, AFullDiskLeavesNothingHalfDone) {
  const std::string merge = LETHE_PROGRAM " negate --base " + model_ + " --tuned " + model_ + " --out " + at("full");
  // A limit of 100 kB on the size of files simulates a full disk.
  const Outcome full = shell("trap \"\" XFSZ; ulimit -f 100; " + merge);
  EXPECT_NE(full.status, 0);
  EXPECT_NE(full.text.find("model.safetensors"), std::string::npos) << full.text;
  EXPECT_FALSE(fs::exists(at("full")));

  for (const auto& entry : fs::directory_iterator(folder_)) EXPECT_EQ(entry.path().filename(), "demo") << "left behind";
}

TEST_F(Program, ATruncatedCheckpointIsRefusedByFileAndTensor) {
  fs::copy(model_, at("cut"));
  fs::resize_file(at("cut/model.safetensors"), 500000);
  expect_all(run("score --model " + at("cut") + " --input /dev/null --output " + at("s.jsonl")), 3,
             {"model.safetensors", "500,000"});
}

TEST_F(Program, InspectsTokenizesAndGenerates) {
  expect_all(run("inspect --json " + model_), 0, {"\"kind\":\"checkpoint\"", "\"supported\":true"});
  expect_all(run("tokenize --model " + model_ + " --json \"Where does Mira live?\""), 0, {"\"ids\"", "\"offsets\""});
  write_file(folder_ / "p.jsonl", "{\"prompt\": \"Where does Mira live?\"}\n");
  ASSERT_EQ(run("generate --model " + model_ + " --input " + at("p.jsonl") + " --output " + at("o.jsonl") +
                " --max-new-tokens 5")
                .status,
            0);
  EXPECT_LE(parse_json(read_file(at("o.jsonl")), "o")["ids"].size(), 5U);
  // What generate wrote can be read again: its prompt counts, not the ids of its answer.
  ASSERT_EQ(run("score --model " + model_ + " --input " + at("o.jsonl") + " --output " + at("again.jsonl")).status, 0);
  EXPECT_GT(parse_json(read_file(at("again.jsonl")), "again")["response_begin"].get<int>(), 1);
  ASSERT_EQ(run("generate --model " + model_ + " --input " + at("o.jsonl") + " --output " + at("twice.jsonl") +
                " --max-new-tokens 5")
                .status,
            0);
  EXPECT_EQ(read_file(at("twice.jsonl")), read_file(at("o.jsonl")));
  // The same answer as text.
  const std::string ask =
      "generate --quiet --max-new-tokens 5 --model " + model_ + " --prompt \"Where does Mira live?\"";
  EXPECT_EQ(run(ask).text, parse_json(read_file(at("o.jsonl")), "o")["response"].get<std::string>() + "\n");
  expect_all(run(ask + " --redact"), 0, {"[redacted"});
  expect_all(run(ask + " --input " + at("p.jsonl")), 2, {"--input FILE, or --prompt TEXT", "both"});
  expect_all(run("generate --model " + model_), 2, {"neither"});
  write_file(folder_ / "bad.jsonl", "{\"ids\": [1]}\n{\"ids\": [99999]}\n");
  expect_all(run("score --model " + model_ + " --input " + at("bad.jsonl") + " --output " + at("s.jsonl")), 3,
             {"line 2", "99999"});
  EXPECT_FALSE(fs::exists(at("s.jsonl")));
}

TEST_F(Program, RunsWithoutAnOutputGoToTheFolderRuns) {
  const std::string here = "cd " + folder_.string() + "; " LETHE_PROGRAM " ";
  ASSERT_EQ(shell(here + "demo --data-only").status, 0);
  EXPECT_TRUE(fs::exists(at("runs/demo/data/harmful.jsonl")));
  fs::create_directories(at("runs/reproduce/of_somebody_else"));
  expect_all(shell(here + "reproduce --quick"), 3, {"runs/reproduce"});
}

}  // namespace
}  // namespace lethe
