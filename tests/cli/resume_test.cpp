// A run that was stopped, killed or started twice: what is kept, what is refused, and the same bits at the end.
#include <cstring>

#include "cli/program_fixture.h"
#include "kernels/bfloat16_panel.h"

namespace lethe {
namespace {

class Resume : public Program {
 protected:
  std::string job(const std::string& out, const std::string& settings = "training.steps=24",
                  const std::string& model = "") const {
    return "unlearn --quiet --threads 1 --model " + (model.empty() ? model_ : model) + data() + " " + settings +
           " training.batch=2 training.snapshot_steps=4 sku.k=2 evaluation.prompts=0 negation.alpha=0.5 --out " +
           at(out);
  }
  // Starts lethe, and sends the signal as soon as the file has so many lines (or the run has ended).
  Outcome stopped(const std::string& arguments, const std::string& out, int lines, const char* signal,
                  const std::string& file = "metrics.jsonl") const {
    const std::string metrics = at(out) + ".unfinished/" + file;
    return shell(LETHE_PROGRAM " " + arguments + " & pid=$!; while kill -0 $pid 2> /dev/null && [ $(cat " + metrics +
                 " 2> /dev/null | wc -l) -lt " + std::to_string(lines) + " ]; do sleep 0.01; done; kill -" + signal +
                 " $pid 2> /dev/null; wait $pid");
  }
  std::string weights(const std::string& out) const { return read_file(at(out + "/model/model.safetensors")); }
};

TEST_F(Resume, AKilledRunEndsWithTheSameBits) {
  ASSERT_EQ(run(job("whole")).status, 0);
  EXPECT_FALSE(fs::exists(at("whole.unfinished")));
  EXPECT_FALSE(fs::exists(at("whole/snapshots")));
  EXPECT_EQ(stopped(job("killed"), "killed", 6, "KILL").status, 128 + 9);
  EXPECT_EQ(fs::status(at("killed.unfinished")).permissions() & fs::perms::all, fs::perms::owner_all);
  EXPECT_EQ(stopped("unlearn --quiet --resume " + at("killed"), "killed", 15, "KILL").status, 128 + 9);
  const Outcome resumed = run("unlearn --resume " + at("killed"));
  expect_all(resumed, 0, {"going on after step 1"});
  EXPECT_EQ(weights("killed"), weights("whole"));
  const auto steps = parse_json_lines(read_file(at("killed/metrics.jsonl")), "metrics");
  ASSERT_EQ(steps.size(), 24U);
  EXPECT_EQ(steps[20].value.at("step"), 21);
  EXPECT_FALSE(fs::exists(at("killed.unfinished")));
}

TEST_F(Resume, AKilledRunInBfloat16EndsWithTheSameBits) {
  const std::string settings = "tuning=lora dtype=bfloat16 training.steps=12";
  ASSERT_EQ(run(job("whole", settings)).status, 0);
  EXPECT_EQ(stopped(job("killed", settings), "killed", 5, "KILL").status, 128 + 9);
  expect_all(run("unlearn --resume " + at("killed")), 0, {"going on after step"});
  EXPECT_EQ(read_file(at("killed/adapter/adapter_model.safetensors")),
            read_file(at("whole/adapter/adapter_model.safetensors")));
}

// Copies a checkpoint of float32 tensors as one of bfloat16 (cut off, not rounded).
void copy_in_bfloat16(const fs::path& from, const fs::path& to) {
  fs::copy(from, to);
  const std::string file = read_file(from / "model.safetensors");
  std::uint64_t size = 0;
  std::memcpy(&size, file.data(), sizeof size);
  OrderedJson header = OrderedJson::parse(file.substr(8, size));
  for (auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;
    tensor["dtype"] = "BF16";
    for (OrderedJson& offset : tensor["data_offsets"]) offset = offset.get<std::uint64_t>() / 2;
  }
  std::string text = header.dump(), data;
  text.resize((text.size() + 7) / 8 * 8, ' ');
  for (std::size_t i = 8 + size; i < file.size(); i += 4) data += file.substr(i + 2, 2);
  size = text.size();
  fs::remove(to / "model.safetensors");
  write_file(to / "model.safetensors", std::string(reinterpret_cast<const char*>(&size), sizeof size) + text + data);
}

// What `dtype: auto` stands for is measured: a second measurement may come out differently.
TEST_F(Resume, ARunWithDtypeAutoKeepsTheTypeThatItBeganWith) {
  copy_in_bfloat16(model_, at("base"));
  const std::string settings = "tuning=lora training.steps=12 dtype=";
  EXPECT_EQ(stopped(job("killed", settings + "auto", at("base")), "killed", 5, "KILL").status, 128 + 9);
  const std::string recipe = read_file(at("killed.unfinished/recipe.yaml"));
  const bool narrow = recipe.find("\ndtype: bfloat16\n") != std::string::npos;
  if (has_bfloat16_instructions()) {
    EXPECT_EQ(recipe.find("\ndtype: auto\n"), std::string::npos) << recipe;
  }
  expect_all(run("unlearn --resume " + at("killed")), 0, {"going on after step"});
  ASSERT_EQ(run(job("whole", settings + (narrow ? "bfloat16" : "float32"), at("base"))).status, 0);
  EXPECT_EQ(read_file(at("killed/adapter/adapter_model.safetensors")),
            read_file(at("whole/adapter/adapter_model.safetensors")));
}

TEST_F(Resume, ARunOfContrastEndsWithTheSameBitsFromEitherHalf) {
  const std::string settings = "method=contrast tuning=lora training.steps=24";
  const auto adapter = [&](const std::string& out) {
    return read_file(at(out + "/adapter/adapter_model.safetensors"));
  };
  ASSERT_EQ(run(job("whole", settings)).status, 0);
  EXPECT_EQ(stopped(job("run", settings), "run", 6, "KILL").status, 128 + 9);
  EXPECT_EQ(stopped("unlearn --quiet --resume " + at("run"), "run", 6, "KILL", "safe.jsonl").status, 128 + 9);
  expect_all(run("unlearn safe.ratio=0.5 --resume " + at("run")), 3, {"safe.ratio", "0.25 in the unfinished run"});
  const Outcome resumed = run("unlearn --resume " + at("run"));
  expect_all(resumed, 0, {"going on after step 24", "learning safe answers"});
  EXPECT_EQ(adapter("run"), adapter("whole"));
  EXPECT_EQ(parse_json_lines(read_file(at("run/metrics.jsonl")), "metrics").size(), 24U);
  EXPECT_EQ(parse_json_lines(read_file(at("run/safe.jsonl")), "safe").size(), 24U);
  EXPECT_FALSE(fs::exists(at("run/snapshots")));
}

// θ after an attack is as dangerous as θ_bad: nothing of it is left.
TEST_F(Resume, ARunOfSeveralRoundsEndsWithTheSameBitsFromEveryOne) {
  const std::string settings =
      "tuning=lora training.steps=24 negation.rounds=2 negation.relearn.steps=12 training.lr=1e-3";
  const auto adapter = [&](const std::string& out) {
    return read_file(at(out + "/adapter/adapter_model.safetensors"));
  };
  ASSERT_EQ(run(job("whole", settings)).status, 0);
  EXPECT_EQ(stopped(job("run", settings), "run", 6, "KILL", "rounds/round-2-relearn.jsonl").status, 128 + 9);
  const fs::path snapshots = at("run.unfinished/snapshots");
  for (const auto& entry : fs::recursive_directory_iterator(snapshots)) {
    if (entry.path().extension() != ".safetensors") continue;
    EXPECT_EQ(entry.status().permissions() & fs::perms::mask, fs::perms(0600)) << entry.path();
  }
  EXPECT_EQ(fs::status(at("run.unfinished")).permissions() & fs::perms::all, fs::perms::owner_all);
  EXPECT_EQ(stopped("unlearn --quiet --resume " + at("run"), "run", 6, "KILL", "rounds/round-2.jsonl").status, 128 + 9);
  expect_all(run("unlearn negation.alpha=0.25 --resume " + at("run")), 3,
             {"negation.alpha", "0.5 in the unfinished run", "evaluation.*, keep_harmful"});
  const Outcome resumed = run("unlearn --resume " + at("run"));
  expect_all(resumed, 0, {"going on after step 24", "round 2 of 2, from alpha 0.500", "learning the harm, round 2"});
  EXPECT_EQ(adapter("run"), adapter("whole"));
  EXPECT_EQ(parse_json_lines(read_file(at("run/rounds/round-2.jsonl")), "steps").size(), 24U);
  EXPECT_EQ(parse_json_lines(read_file(at("run/rounds/round-2-relearn.jsonl")), "steps").size(), 12U);
  EXPECT_EQ(read_json(at("run/results.json")).at("rounds").at(0).at("alpha"), 0.5);
  EXPECT_FALSE(fs::exists(at("run/snapshots")));
  EXPECT_FALSE(fs::exists(at("run.unfinished")));
  expect_all(run("rerun " + at("run") + " --out " + at("again")), 0, {"same bits"});
}

TEST_F(Resume, CtrlCKeepsWhatWasTrainedAndSaysHowToContinue) {
  const Outcome outcome = stopped(job("run", "tuning=lora lora.dropout=0.1 training.steps=24"), "run", 5, "INT");
  expect_all(outcome, 130, {"--resume " + at("run")});
  ASSERT_EQ(run(job("whole", "tuning=lora lora.dropout=0.1 training.steps=24")).status, 0);
  expect_all(run(job("run", "tuning=lora lora.dropout=0.1 training.steps=24")), 3, {"unfinished", "--resume"});
  expect_all(run("unlearn training.lr=1e-5 --resume " + at("run")), 3, {"recipe"});
  ASSERT_EQ(run("unlearn --quiet --resume " + at("run")).status, 0);
  EXPECT_EQ(read_file(at("run/adapter/adapter_model.safetensors")),
            read_file(at("whole/adapter/adapter_model.safetensors")));
  expect_all(run("unlearn --resume " + at("run")), 3, {"finished"});
  expect_all(run("unlearn --resume " + at("nowhere")), 3, {"no unfinished run"});
}

TEST_F(Resume, SettingsOfWhatFollowsTrainingMayChange) {
  const std::string start =
      "unlearn --quiet --threads 1 --model " + model_ + data() +
      " tuning=lora training.steps=6 training.lr=0.01 training.batch=2 sku.k=1 evaluation.prompts=0 --out " + at("run");
  expect_all(run(start + " negation.kl_budget=1e-12"), 1,
             {"no alpha stays within the budget", "negation.kl_budget", "a smaller sku.pd_margin"});
  const Outcome changed = run("unlearn training.lr=1 sku.k=2 negation.kl_budget=100 --resume " + at("run"));
  expect_all(changed, 3,
             {"recipe", "training.lr", "0.01 in the unfinished run, 1 now", "sku.k", "1 in the unfinished run, 2 now",
              "start anew under another --out"});
  EXPECT_EQ(changed.text.find("pairs to train on"), std::string::npos) << changed.text;  // before any work
  expect_all(run("unlearn negation.kl_budget=100 --resume " + at("run")), 0, {"going on after step 6"});
  EXPECT_EQ(read_json(at("run/results.json")).at("alpha"), 1.0);
  EXPECT_NE(read_file(at("run/recipe.yaml")).find("kl_budget: 100"), std::string::npos);
}

TEST_F(Resume, AnotherModelUnderTheSameNameIsRefused) {
  fs::copy(model_, at("base"));
  const std::string start =
      "unlearn --quiet --model " + at("base") + data() +
      " training.steps=24 training.snapshot_steps=2 sku.k=2 evaluation.prompts=0 negation.alpha=1 --out " + at("run");
  EXPECT_EQ(stopped(start, "run", 4, "INT").status, 130);
  std::string weights = read_file(at("base/model.safetensors"));
  weights.back() = static_cast<char>(weights.back() ^ 1);
  write_file(at("base/model.safetensors"), weights);
  expect_all(run("unlearn --resume " + at("run")), 3, {"model"});
}

TEST_F(Resume, TwoRunsIntoOneFolderAreOne) {
  const std::string two = LETHE_PROGRAM " " + job("run", "training.steps=100000") + " & first=$!; while [ ! -e " +
                          at("run") + ".unfinished/metrics.jsonl ]; do sleep 0.01; done; " LETHE_PROGRAM " " +
                          job("run") + "; echo second $?; kill -INT $first; wait $first; echo first $?";
  expect_all(shell(two), 0, {"another run at work", "second 3", "first 130"});
}

TEST_F(Resume, AnOutThatAppearsMeanwhileCostsNothing) {
  const std::string start = LETHE_PROGRAM " " + job("run") + " & pid=$!; while kill -0 $pid && [ ! -e " + at("run") +
                            ".unfinished/metrics.jsonl ]; do sleep 0.01; done; mkdir " + at("run") + "; touch " +
                            at("run/mine") + "; wait $pid; echo status $?";
  expect_all(shell(start), 0,
             {"cannot finish", "not empty", "kept", at("run.unfinished") + " holds all", "--resume", "status 3"});
  EXPECT_TRUE(fs::exists(at("run/mine")));
  EXPECT_TRUE(fs::exists(at("run.unfinished/run.json")));
  EXPECT_FALSE(fs::is_empty(at("run.unfinished/snapshots")));
  fs::remove_all(at("run"));
  expect_all(run("unlearn --resume " + at("run")), 0, {"going on after step 24"});
  ASSERT_EQ(run(job("whole")).status, 0);
  EXPECT_EQ(weights("run"), weights("whole"));
}

TEST_F(Resume, AFolderOfTheUsersOwnIsLeftAlone) {
  fs::create_directories(at("run.unfinished"));
  write_file(at("run.unfinished/thesis"), "mine");
  expect_all(run(job("run")), 3, {"no run of lethe made", at("run.unfinished")});
  expect_all(run("unlearn --resume " + at("run")), 3, {at("run.unfinished")});
  EXPECT_EQ(read_file(at("run.unfinished/thesis")), "mine");
}

TEST_F(Resume, AnEarlyFailureLeavesNothing) {
  expect_all(run(job("run") + " data.max_length=2"), 3, {});
  EXPECT_FALSE(fs::exists(at("run.unfinished")));
  EXPECT_FALSE(fs::exists(at("run")));
}

}  // namespace
}  // namespace lethe
