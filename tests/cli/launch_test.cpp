// One run on several processes: the bits of one, wrong use, Ctrl-C, lost ranks, and other numbers of processes later.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>
#include <thread>

#include "cli/program_fixture.h"
#include "core/random.h"
#include "formats/safetensors.h"

namespace lethe {
namespace {

#ifdef LETHE_GLOO_BUILT

using namespace std::chrono_literals;

class Launch : public Program {
 protected:
  /// 12 steps of four micro-batches.
  std::string job(const std::string& out, const std::string& more = "") const {
    return "unlearn --threads 1 --model " + model_ + data() +
           " tuning=lora lora.dropout=0.1 training.batch=1 training.accumulate=4 training.steps=12 "
           "training.snapshot_steps=2 sku.k=1 evaluation.prompts=0 negation.alpha=0.5 " +
           more + " --out " + at(out);
  }
  /// The same with all weights, which the ranks hold together. Six steps.
  std::string full_job(const std::string& out, const std::string& more = "") const {
    return "unlearn --threads 1 --model " + model_ + data() +
           " tuning=full training.shard=true training.batch=1 training.accumulate=4 training.steps=6 "
           "training.snapshot_steps=2 sku.k=1 evaluation.prompts=4 evaluation.judge=refusal evaluation.cache=false "
           "evaluation.max_new_tokens=8 negation.alpha=auto " +
           more + " --out " + at(out);
  }
  /// The largest difference between the weights of two runs' models (float32).
  double model_difference(const std::string& a, const std::string& b) const {
    const SafetensorsFile one(at(a + "/model/model.safetensors")), other(at(b + "/model/model.safetensors"));
    double most = 0;
    for (const StoredTensor& tensor : one.tensors()) {
      const auto mine = one.values(tensor), theirs = other.values(*other.find(tensor.name));
      if (mine.size() != theirs.size()) return 1e9;
      for (std::size_t i = 0; i < mine.size(); i += sizeof(float)) {
        float x = 0, y = 0;
        std::memcpy(&x, mine.data() + i, sizeof x);
        std::memcpy(&y, theirs.data() + i, sizeof y);
        most = std::max(most, static_cast<double>(std::abs(x - y)));
      }
    }
    return most;
  }
  /// The same of the losses of their steps; both have as many.
  double loss_difference(const std::string& a, const std::string& b) const {
    const auto one = metrics(a), other = metrics(b);
    if (one.size() != other.size()) return 1e9;
    double most = 0;
    for (std::size_t i = 0; i < one.size(); ++i)
      most = std::max(most, std::abs(one[i].at("loss").get<double>() - other[i].at("loss").get<double>()));
    return most;
  }
  std::string adapter(const std::string& name) const {
    return read_file(at(name + "/adapter/adapter_model.safetensors"));
  }
  /// The lines of metrics.jsonl without times.
  std::vector<Json> metrics(const std::string& name) const {
    std::ifstream file(at(name + "/metrics.jsonl"));
    std::vector<Json> lines;
    for (std::string line; std::getline(file, line);) {
      lines.push_back(parse_json(line, name));
      lines.back().erase("seconds");
    }
    return lines;
  }
  long steps_done(const std::string& name) const {
    std::ifstream file(at(name + ".unfinished/metrics.jsonl"));
    return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
  }
  /// Starts lethe with its text in `log`.
  pid_t start(const std::string& arguments) const {
    fs::remove(at("log"));
    return start_program(arguments, at("log"));
  }
  void await_steps(const std::string& name, long steps) const {
    for (int i = 0; i < 6000 && steps_done(name) < steps && !fs::exists(at(name)); ++i)
      std::this_thread::sleep_for(5ms);
  }
  /// The processes of the ranks, which `launch` prints first.
  static std::vector<pid_t> ranks_in(const std::string& log) {
    std::vector<pid_t> ranks;
    const std::string label = "processes ";
    for (int i = 0; i < 1000 && ranks.empty(); ++i) {
      const std::string text = fs::exists(log) ? read_file(log) : "";
      const std::size_t at = text.find(label), end = text.find('\n', at);
      std::this_thread::sleep_for(5ms);
      if (at == std::string::npos || end == std::string::npos) continue;
      std::istringstream numbers(text.substr(at + label.size(), end - at));
      for (std::string number; numbers >> number;) ranks.push_back(std::atoi(number.c_str()));
    }
    return ranks;
  }
};

TEST_F(Launch, ReportsItsEndOnceAndGivesItsFlagsToTheRanks) {
  for (const std::string& line : {"launch --json-log --redact -n 2 " + job("a", "training.steps=1"),
                                  "launch -n 2 " + job("b", "training.steps=1 --json-log")}) {
    const Outcome outcome = run(line);
    ASSERT_EQ(outcome.status, 0) << outcome.text;
    std::size_t ends = 0;
    for (const JsonLine& event : parse_json_lines(outcome.text, "stderr")) ends += event.value.at("event") == "end";
    EXPECT_EQ(ends, 1U) << outcome.text;
    EXPECT_NE(outcome.text.rfind("\"event\":\"end\""), std::string::npos);
    EXPECT_GT(outcome.text.rfind("\"event\":\"end\""), outcome.text.rfind("\"event\":\"wrote\""));
  }
}

TEST_F(Launch, HasTheBitsOfOneProcessAndContinuesOnAnyNumber) {
  ASSERT_EQ(run(job("alone")).status, 0);
  const Outcome both = run("launch -n 2 " + job("both"));
  ASSERT_EQ(both.status, 0) << both.text;
  EXPECT_EQ(adapter("both"), adapter("alone"));
  EXPECT_EQ(metrics("both"), metrics("alone"));
  EXPECT_EQ(read_json(at("both/run.json"))["ranks"], 2);
  EXPECT_EQ(run("launch -n 2 " + job("quiet", "--quiet training.steps=10")).text, "");
  const std::string once = "plan of lethe unlearn";
  EXPECT_EQ(both.text.find(once), both.text.rfind(once)) << "rank 0 alone prints";

  // 1 -> 2 -> 1, interrupted twice.
  pid_t child = start(job("moved"));
  await_steps("moved", 3);
  ::kill(child, SIGINT);
  ASSERT_EQ(ended(child), 130) << read_file(at("log"));
  child = start("launch -n 2 unlearn --threads 1 --resume " + at("moved"));
  await_steps("moved", 7);
  ::kill(child, SIGINT);
  ASSERT_EQ(ended(child), 130) << read_file(at("log"));
  EXPECT_NE(read_file(at("log")).find("going on after step"), std::string::npos) << read_file(at("log"));
  ASSERT_EQ(run("unlearn --threads 1 --resume " + at("moved")).status, 0);
  EXPECT_EQ(adapter("moved"), adapter("alone"));
  EXPECT_EQ(metrics("moved"), metrics("alone"));
}

TEST_F(Launch, ATrainingOfAllWeightsAndRecomputedLayersHasTheSameBits) {
  const std::string job = "finetune --threads 1 --model " + model_ + " --data " + at("demo/few/normal.jsonl") +
                          " tuning=full training.recompute=true training.batch=1 training.accumulate=3 "
                          "training.steps=3 evaluation.every=2 data.validation=" +
                          at("demo/few/harmful.jsonl") + " --out ";
  ASSERT_EQ(run(job + at("alone")).status, 0);
  const Outcome both = run("launch -n 2 " + job + at("both"));
  ASSERT_EQ(both.status, 0) << both.text;
  EXPECT_NE(both.text.find("idle"), std::string::npos) << both.text;  // 3 micro-batches, 2 ranks
  EXPECT_EQ(read_file(at("both/model/model.safetensors")), read_file(at("alone/model/model.safetensors")));
  EXPECT_EQ(metrics("both"), metrics("alone"));
}

// Rank 0 alone chooses α and asks the judge, while the others serve the base's weights.
TEST_F(Launch, AShardedBaseHasTheBitsOfOneProcessAndContinuesOnAnyNumber) {
  const std::string more =
      "training.shard=true negation.alpha=auto evaluation.prompts=4 evaluation.judge=refusal evaluation.every=6 "
      "evaluation.cache=false evaluation.max_new_tokens=8 quantize=nf4";
  ASSERT_EQ(run(job("alone", more)).status, 0);
  const Outcome both = run("launch -n 2 " + job("both", more));
  ASSERT_EQ(both.status, 0) << both.text;
  expect_all(both, 0, {"ranks ", "of the matrices", "exchange with other ranks", "lethe evaluate --endpoint"});
  EXPECT_EQ(adapter("both"), adapter("alone"));
  EXPECT_EQ(metrics("both"), metrics("alone"));
  EXPECT_EQ(read_json(at("both/results.json")), read_json(at("alone/results.json")));

  // 2 -> 1 -> 4
  pid_t child = start("launch -n 2 " + job("moved", more));
  await_steps("moved", 3);
  ::kill(child, SIGINT);
  ASSERT_EQ(ended(child), 130) << read_file(at("log"));
  child = start("unlearn --threads 1 --resume " + at("moved"));
  await_steps("moved", 8);
  ::kill(child, SIGINT);
  ASSERT_EQ(ended(child), 130) << read_file(at("log"));
  const Outcome last = run("launch -n 4 unlearn --threads 1 --resume " + at("moved"));
  ASSERT_EQ(last.status, 0) << last.text;
  EXPECT_EQ(adapter("moved"), adapter("alone"));
  EXPECT_EQ(metrics("moved"), metrics("alone"));
}

// Rank 0 chooses α, evaluates and writes the model, of which it holds a part.
TEST_F(Launch, AShardedTrainingOfAllWeightsHasTheLossesOfOneProcessAndContinuesOnAnyNumber) {
  ASSERT_EQ(run(full_job("alone")).status, 0);
  const Outcome both = run("launch -n 2 " + full_job("both"));
  ASSERT_EQ(both.status, 0) << both.text;
  EXPECT_LT(loss_difference("both", "alone"), 1e-5);
  EXPECT_LT(model_difference("both", "alone"), 1e-5);

  // 1 -> 2 -> 4
  pid_t child = start(full_job("moved"));
  await_steps("moved", 1);
  ::kill(child, SIGINT);
  ASSERT_EQ(ended(child), 130) << read_file(at("log"));
  child = start("launch -n 2 unlearn --threads 1 --resume " + at("moved"));
  await_steps("moved", 3);
  ::kill(child, SIGINT);
  ASSERT_EQ(ended(child), 130) << read_file(at("log"));
  EXPECT_EQ(read_file(at("log")).find("no snapshot was written"), std::string::npos) << read_file(at("log"));
  const Outcome last = run("launch -n 4 unlearn --threads 1 --resume " + at("moved"));
  ASSERT_EQ(last.status, 0) << last.text;
  EXPECT_NE(last.text.find("going on after step"), std::string::npos) << last.text;
  EXPECT_LT(loss_difference("moved", "alone"), 1e-5);
  EXPECT_LT(model_difference("moved", "alone"), 1e-5);
}

// Nobody has the share of a rank that is lost: the run goes on from the last snapshot.
TEST_F(Launch, ARankThatIsKilledWithItsShareOfTheWeightsEndsTheOthers) {
  const pid_t child = start("launch -n 2 " + full_job("run", "training.steps=30"));
  await_steps("run", 3);
  ::kill(ranks_in(at("log")).at(1), SIGKILL);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(ended(child), 1) << read_file(at("log"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  const std::string log = read_file(at("log"));
  EXPECT_NE(log.find("rank 1 of 2 has ended"), std::string::npos) << log;
  EXPECT_NE(log.find("snapshots/step-0000000"), std::string::npos) << log;
  const Outcome again = run("unlearn --threads 1 --resume " + at("run"));
  EXPECT_EQ(again.status, 0) << again.text;
}

TEST_F(Launch, ASharedFinetuningOfAllWeightsMeasuresAndWritesTheWholeModel) {
  const std::string job = "finetune --threads 1 --model " + model_ + " --data " + at("demo/few/normal.jsonl") +
                          " tuning=full training.shard=true training.batch=1 training.accumulate=2 training.steps=3 "
                          "training.patience=1 evaluation.every=1 data.validation=" +
                          at("demo/few/harmful.jsonl") + " --out ";
  ASSERT_EQ(run(job + at("alone")).status, 0);
  const Outcome both = run("launch -n 2 " + job + at("both"));
  ASSERT_EQ(both.status, 0) << both.text;
  EXPECT_LT(loss_difference("both", "alone"), 1e-5);
  EXPECT_LT(model_difference("both", "alone"), 1e-5);
}

TEST_F(Launch, ARankThatIsKilledWhileItServesEndsTheOthers) {
  const std::string more =
      "training.shard=true training.steps=2 evaluation.prompts=200 evaluation.judge=refusal evaluation.cache=false "
      "evaluation.max_new_tokens=100";
  const pid_t child = start("launch -n 2 " + job("run", more));
  await_steps("run", 2);
  std::this_thread::sleep_for(200ms);  // rank 0 writes the adapter and evaluates it
  ::kill(ranks_in(at("log")).at(1), SIGKILL);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(ended(child), 1) << read_file(at("log"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_NE(read_file(at("log")).find("rank 1 of 2 has ended"), std::string::npos) << read_file(at("log"));
  EXPECT_FALSE(fs::exists(at("run")));
  EXPECT_EQ(run("unlearn --threads 1 --resume " + at("run")).status, 0);
}

TEST_F(Launch, RefusesWhatCannotBeSharedBeforeAnythingStarts) {
  expect_all(run("launch -n 4 " + job("x", "training.accumulate=2 training.batch=4")), 2,
             {"training.accumulate", "at least 4", "training.accumulate=4 training.batch=2"});
  expect_all(run("launch -n 2 " + job("x", "method=grad_diff objective.gru=true")), 2, {"objective.gru"});
  expect_all(run("launch -n 2 " + job("x", "training.step=1")), 2, {"training.steps"});
  expect_all(run("launch -n 2 " + full_job("x", "negation.rank=4")), 2, {"training.shard", "negation.rank"});
  expect_all(run("launch -n 2 unlearn --mdoel x"), 2, {"--model"});
  expect_all(run("launch -n 2 sweep " + at("x")), 2, {"unlearn", "finetune"});
  expect_all(run("launch -n 0 " + job("x")), 2, {"-n", "1 to"});
  expect_all(shell("LETHE_GLOO=/none.so " LETHE_PROGRAM " launch -n 2 " + job("x")), 1, {"libgloo-dev"});
  const Outcome bad = run("launch -n 2 unlearn --model " + model_ +
                          " training.accumulate=2 --harmful /none.jsonl --normal /none.jsonl --out " + at("x"));
  expect_all(bad, 3, {"/none.jsonl"});
  EXPECT_EQ(bad.text.find("rank 1"), std::string::npos) << bad.text;  // rank 0 says it
  EXPECT_FALSE(fs::exists(at("x")) || fs::exists(at("x.unfinished")));
}

TEST_F(Launch, AWrongEnvironmentIsRefusedByName) {
  expect_all(shell("RANK=0 WORLD_SIZE=2 " LETHE_PROGRAM " " + job("x")), 2, {"MASTER_ADDR", "lethe launch"});
  expect_all(shell("RANK=2 WORLD_SIZE=2 " LETHE_PROGRAM " " + job("x")), 2, {"RANK", "0 to 1"});
  EXPECT_FALSE(fs::exists(at("x")) || fs::exists(at("x.unfinished")));
}

TEST_F(Launch, OtherCommandsComputeInRank0Alone) {
  const std::string second = "RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=1 " LETHE_PROGRAM " ";
  expect_all(shell(second + "generate --model x --input x --output " + at("x")), 0, {"nothing to do"});
  expect_all(shell(second + "methods"), 0, {"sku"});
}

TEST_F(Launch, ReadsTheEnvironmentOfTorchrunAndMpirun) {
  ASSERT_EQ(run(job("alone", "training.steps=2")).status, 0);
  const std::string port = std::to_string(20000 + ::getpid() % 10000);
  const std::string program = std::string(LETHE_PROGRAM) + " " + job("both", "training.steps=2");
  const std::string torchrun = "MASTER_ADDR=127.0.0.1 MASTER_PORT=" + port + " WORLD_SIZE=2 RANK=";
  expect_all(shell(torchrun + "1 " + program + " & " + torchrun + "0 " + program + " && wait $!"), 0, {"wrote"});
  EXPECT_EQ(adapter("both"), adapter("alone"));
  fs::remove_all(at("both"));
  const std::string mpirun = "MASTER_PORT=" + port + " OMPI_COMM_WORLD_LOCAL_SIZE=2 OMPI_COMM_WORLD_SIZE=2 ";
  const auto rank = [](const std::string& r) {
    return "OMPI_COMM_WORLD_LOCAL_RANK=" + r + " OMPI_COMM_WORLD_RANK=" + r + " ";
  };
  expect_all(shell(mpirun + rank("1") + program + " & " + mpirun + rank("0") + program + " && wait $!"), 0, {"wrote"});
  EXPECT_EQ(adapter("both"), adapter("alone"));
}

TEST_F(Launch, AKilledRankEndsTheOthersWithinSecondsAndTheRunContinues) {
  ASSERT_EQ(run(job("alone")).status, 0);
  for (const int victim : {1, 0}) {
    const std::string name = "killed" + std::to_string(victim);
    const pid_t child = start("launch -n 2 " + job(name));
    await_steps(name, 3);
    ::kill(ranks_in(at("log")).at(victim), SIGKILL);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(ended(child), 1);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
    const std::string log = read_file(at("log"));
    EXPECT_NE(log.find("rank " + std::to_string(victim) + " of 2 was ended by signal 9"), std::string::npos) << log;
    EXPECT_NE(log.find("rank " + std::to_string(victim) + " of 2 has ended"), std::string::npos) << log;
    if (victim == 1) {
      EXPECT_NE(log.find("--resume " + at(name)), std::string::npos) << log;
      EXPECT_NE(log.find("snapshots/step-"), std::string::npos) << log;
    }
    ASSERT_EQ(run("launch -n 2 unlearn --threads 1 --resume " + at(name)).status, 0);
    EXPECT_EQ(adapter(name), adapter("alone"));
  }
}

TEST_F(Launch, ARankThatStallsEndsTheOthers) {
  ::setenv("LETHE_STALL_SECONDS", "2", 1);
  const pid_t child = start("launch -n 2 " + job("run"));
  ::unsetenv("LETHE_STALL_SECONDS");
  await_steps("run", 2);
  const pid_t stopped = ranks_in(at("log")).at(1);
  ::kill(stopped, SIGSTOP);
  for (int i = 0; i < 1000 && read_file(at("log")).find("has not answered") == std::string::npos; ++i)
    std::this_thread::sleep_for(10ms);
  ::kill(stopped, SIGCONT);  // or the launcher waits for it
  EXPECT_EQ(ended(child), 1);
  const std::string log = read_file(at("log"));
  EXPECT_NE(log.find("rank 1 of 2 has not answered for 2 s"), std::string::npos) << log;
}

TEST_F(Launch, CtrlCOnAnyRankSavesOneSnapshot) {
  for (const int asked : {1, 0}) {
    const std::string name = "asked" + std::to_string(asked);
    const pid_t child = start("launch -n 2 " + job(name, "training.snapshot_steps=0"));
    await_steps(name, 3);
    ::kill(ranks_in(at("log")).at(asked), SIGINT);
    EXPECT_EQ(ended(child), 130) << read_file(at("log"));
    const std::string log = read_file(at("log"));
    const std::size_t said = log.find("interrupted after step");
    EXPECT_NE(said, std::string::npos) << log;
    EXPECT_EQ(log.find("interrupted", said + 10), std::string::npos) << log;
    const auto files = fs::directory_iterator(at(name + ".unfinished/snapshots"));
    EXPECT_EQ(std::distance(begin(files), end(files)), 2);
  }
}

// LETHE_KILLS=50 tries as many moments; otherwise two.
TEST_F(Launch, AnyRankKilledAtAnyMomentLosesNothingSlow) {
  const char* asked = std::getenv("LETHE_KILLS");
  const int kills = asked != nullptr ? std::atoi(asked) : 2;
  const auto before = std::chrono::steady_clock::now();
  ASSERT_EQ(run("launch -n 2 " + job("whole")).status, 0);
  const double whole = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  RandomStream random(5, "moments");
  double longest = 0;
  int killed = 0;
  for (int i = 0; killed < kills && i < 3 * kills; ++i) {
    const std::string name = "run" + std::to_string(i);
    const pid_t child = start("launch -n 2 " + job(name));
    std::this_thread::sleep_for(std::chrono::duration<double>(random.uniform() * whole));
    ::kill(ranks_in(at("log")).at(static_cast<std::size_t>(random.uniform() * 2)), SIGKILL);
    const auto start = std::chrono::steady_clock::now();
    const int status = ended(child);
    if (status != 0) {
      ++killed;
      longest = std::max(longest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    const fs::path snapshots = at(name + ".unfinished/snapshots");
    const bool goes_on = fs::exists(snapshots) && !fs::is_empty(snapshots);
    if (!fs::exists(at(name))) {
      const Outcome again = run("launch -n 2 " + (goes_on ? "unlearn --threads 1 --resume " + at(name) : job(name)));
      ASSERT_EQ(again.status, 0) << again.text;
    }
    ASSERT_EQ(adapter(name), adapter("whole")) << read_file(at("log"));
    fs::remove_all(at(name));
  }
  EXPECT_LT(longest, 10.0);
  std::cout << killed << " ranks killed; the others ended within " << longest << " s\n";
}

#else

TEST(Launch, SaysWhatToInstallWhereTheComponentIsNotBuilt) {
  expect_all(run("launch -n 2 unlearn --model x --harmful x --normal x --out x"), 1, {"libgloo-dev"});
}

#endif

}  // namespace
}  // namespace lethe
