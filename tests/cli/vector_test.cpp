// lethe vector as a user runs it: three harms are learned, subtracted together, and one is taken back.
#include "program_fixture.h"

namespace lethe {
namespace {

class Vectors : public Program {
 protected:
  /// Fine-tunes the demo's model for a moment. @return the folder of the result
  std::string taught(const std::string& name, const std::string& settings) {
    const Outcome outcome = run("finetune --model " + model_ + " --data " + at("demo/few/harmful.jsonl") +
                                " training.steps=2 training.lr=0.001 training.batch=1 seed=" + std::to_string(++seed_) +
                                " " + settings + " --quiet --out " + at(name));
    EXPECT_EQ(outcome.status, 0) << outcome.text;
    return at(name + (fs::exists(at(name + "/adapter")) ? "/adapter" : "/model"));
  }
  Outcome vector(const std::string& arguments) { return run("vector " + arguments); }
  int seed_ = 0;
};

TEST_F(Vectors, OfThreeHarmsAreSubtractedAndOneIsTakenBack) {
  std::string list;
  for (const std::string name : {"a", "b", "c"}) {
    const std::string tuned = taught("run_" + name, "");
    expect_all(vector("extract --base " + model_ + " --tuned " + tuned + " --harmful --out " + at("vectors/" + name)),
               0, {"wrote", "harmful (--harmful)"});
    list += " " + at("vectors/" + name);
  }
  const std::string base = " --base " + model_;
  expect_all(vector("combine" + base + " --subtract" + list + " --out " + at("none")), 0, {"demo − a − b − c"});
  expect_all(vector("combine" + base + " --subtract" + list + " --add " + at("vectors/b") + " --out " + at("ac")), 0,
             {"demo − a − c"});
  ASSERT_EQ(vector("combine" + base + " --subtract " + at("vectors/a") + " " + at("vectors/c") + " --out " + at("ac2"))
                .status,
            0);
  EXPECT_EQ(read_file(at("ac/model.safetensors")), read_file(at("ac2/model.safetensors")));
  expect_all(vector("combine --base " + at("none") + " --add " + at("vectors/b") + " --out " + at("ac3")), 0,
             {"demo − a − c"});
  // The bits of negate.
  ASSERT_EQ(
      vector("combine" + base + " --subtract " + at("vectors/a") + ":0.5 --scale 0.5 --out " + at("quarter")).status,
      0);
  ASSERT_EQ(run("negate" + base + " --tuned " + at("run_a/model") + " --alpha 0.25 --out " + at("negated")).status, 0);
  EXPECT_EQ(read_file(at("quarter/model.safetensors")), read_file(at("negated/model.safetensors")));
  EXPECT_NE(read_file(at("quarter/README.md")).find("demo − 0.25·a"), std::string::npos);
  expect_all(vector("combine" + base + " --add " + at("vectors/a") + ":2 --out " + at("bad")), 0,
             {"the result is more harmful than its base", "the weight of a is 2"});

  expect_all(vector("list " + at("vectors")), 0,
             {"vectors/a", "vectors/c", "weights", "yes", "checkpoint run_a", "embedding"});
  const Json json = parse_json(vector("list --json " + at("vectors/b")).text, "list");
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["kind"], "weights");
  EXPECT_GT(json[0]["norms"]["layer 0"].get<double>(), 0);
  expect_all(run("inspect " + at("vectors/a")), 0, {"task vector of weights", "harmful", "--harmful"});

  // What does not fit is refused, and leaves nothing.
  const Outcome other =
      vector("combine --base " + at("run_a/model") + " --add " + at("vectors/b") + " --out " + at("x"));
  expect_all(other, 3, {"its own base, demo", "vectors/b"});
  expect_all(vector("combine" + base + " --add " + at("run_a/model") + " --out " + at("x")), 3, {"no vector.json"});
  expect_all(vector("combine" + base + " --add " + at("vectors/a") + ":much --out " + at("x")), 2, {"DIR:weight"});
  expect_all(vector("combine" + base + " --out " + at("x")), 2, {"--add or --subtract"});
  expect_all(vector("combine" + base + " --add " + at("vectors/a") + " --rank 2 --out " + at("x")), 2, {"--rank"});
  expect_all(vector("extract" + base + " --out " + at("x")), 2, {"one of --tuned, --adapter and --run"});
  expect_all(vector("list " + at("demo")), 3, {"no vector.json"});
  expect_all(
      run("score --model " + at("vectors/a") + " --input " + at("demo/data/normal.jsonl") + " --output " + at("x")), 3,
      {"a task vector", "lethe vector combine"});
  EXPECT_FALSE(fs::exists(at("x")));
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
}

TEST_F(Vectors, OfLoraRunsAreAddedAsOneAdapter) {
  const std::string learned = " training.steps=3 evaluation.prompts=0 negation.alpha=0.5 tuning=lora lora.rank=2 ";
  ASSERT_EQ(run("unlearn --model " + model_ + data() + learned + "--quiet --out " + at("run")).status, 0);
  expect_all(vector("extract --run " + at("run") + " --out " + at("harm")), 0, {"harmful (the run)", "times -2"});
  const std::string manners = taught("manners_run", "tuning=lora lora.rank=3 \"lora.targets=[q_proj, down_proj]\"");
  ASSERT_EQ(vector("extract --base " + model_ + " --adapter " + manners + " --out " + at("manners")).status, 0);
  ASSERT_EQ(vector("combine --base " + model_ + " --subtract " + at("harm") + ":0.5 --add " + at("manners") +
                   " --out " + at("sum"))
                .status,
            0);
  expect_all(run("inspect " + at("sum")), 0, {"task vector of adapter", "rank 5", "rank 2", "rank 3"});
  expect_all(vector("list " + at("sum")), 0, {"adapter", "2-5", "manners"});
  // As base + both adapters give it.
  write_file(folder_ / "in.jsonl", "{\"prompt\": \"Where does Mira live?\", \"response\": \"In Saltby.\"}\n");
  const auto score = [&](const std::string& adapters) {
    EXPECT_EQ(run("score --model " + model_ + " --adapter " + adapters + " --input " + at("in.jsonl") + " --output " +
                  at("out.jsonl"))
                  .status,
              0);
    const double nll = read_json(at("out.jsonl"))["nll"].get<double>();
    fs::remove(at("out.jsonl"));
    return nll;
  };
  EXPECT_NEAR(score(at("sum")), score(at("run/adapter") + " " + at("manners")), 1e-4);
  expect_all(vector("combine --base " + model_ + " --subtract " + at("harm") + " --merge --out " + at("merged")), 0,
             {"wrote"});
  EXPECT_TRUE(fs::exists(at("merged/model.safetensors")));
}

}  // namespace
}  // namespace lethe
