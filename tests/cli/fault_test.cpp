// Every file call of a command made to fail, one at a time (tests/faults/fail_nth.cpp): inputs stay as they were,
// nothing half-written gets a final name, the message says what failed and why, and an unfinished training goes on to
// the same bits. LETHE_FAULTS=all tries every call with every error, LETHE_FAULTS=each every call with one of
// them; otherwise a sample of both.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <set>

#include "cli/program_fixture.h"

namespace lethe {
namespace {

/// Hashes of the contents by path relative to the folder: a failure prints names, not files.
using Files = std::map<std::string, std::size_t>;

std::size_t hash_of(const fs::path& file) {
  return std::hash<std::string>{}(read_file(file));
}

Files files_in(const fs::path& folder) {
  Files files;
  if (fs::is_regular_file(folder)) files[""] = hash_of(folder);
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = hash_of(entry.path());
  }
  return files;
}

class Faults : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    fs::create_directories(at("work/in"));
    fs::create_directories(at("work/out"));
    fs::copy(model_, at("work/in/model"), fs::copy_options::recursive);
    fs::copy(at("demo/few"), at("work/in/data"), fs::copy_options::recursive);
  }
  std::string in(const std::string& name) const { return at("work/in/" + name); }
  std::string out(const std::string& name) const { return at("work/out/" + name); }

  Outcome with_fault(const std::string& arguments, long n, const std::string& error,
                     const std::string& log = "") const {
    return command_outcome("LD_PRELOAD=" LETHE_FAIL_NTH " FAULT_PREFIX=" + at("work") + " FAULT_AT=" +
                           std::to_string(n) + " FAULT_ERRNO=" + error + (log.empty() ? "" : " FAULT_LOG=" + log) +
                           " OMP_NUM_THREADS=1 " LETHE_PROGRAM " " + arguments + " 2>&1");
  }

  /// Every call of this name fails, as where the file system has no such thing.
  Outcome with_every(const std::string& call, int error, const std::string& arguments) const {
    return command_outcome("LD_PRELOAD=" LETHE_FAIL_NTH " FAULT_PREFIX=" + at("work/out") + " FAULT_CALL=" + call +
                           " FAULT_ERRNO=" + std::to_string(error) + " OMP_NUM_THREADS=1 " LETHE_PROGRAM " " +
                           arguments + " 2>&1");
  }
  std::string split_job() const {
    return "split --data " + in("data/harmful.jsonl") + " --parts seen=0.6,unseen=0.4 --out " + out("parts");
  }

  /// The contents that must be equal each time: all files except those with times.
  Files results(const std::string& name) const {
    Files files = files_in(out(name));
    for (const char* changing : {"run.json", "metrics.jsonl", "report.html", "results.json", "results_lm_eval.json"})
      files.erase(changing);
    return files;
  }

  /// @param arguments  write to out(name)
  /// @param resume     arguments that continue an unfinished run, or nothing
  void try_faults(const std::string& arguments, const std::string& name, const std::string& resume = "") {
    if (kSanitized) GTEST_SKIP() << "the library that makes calls fail would stand before the sanitizer";
    const Files inputs = files_in(at("work/in"));
    const Outcome whole = with_fault(arguments, 0, "0", at("calls.log"));
    ASSERT_EQ(whole.status, 0) << whole.text;
    const Files wanted = results(name);
    ASSERT_FALSE(wanted.empty());
    const std::string log = read_file(at("calls.log"));
    const auto calls = static_cast<long>(std::count(log.begin(), log.end(), '\n'));
    ASSERT_GT(calls, 5);

    const char* wish = std::getenv("LETHE_FAULTS");
    const bool each = wish != nullptr, all = each && std::string(wish) == "all";
    const std::vector<int> errors{ENOSPC, EIO, EACCES, EROFS, EMFILE};
    long tried = 0, failed = 0, resumed = 0;
    const long samples = 10;
    for (long i = 0; i < (each ? calls : std::min(calls, samples)); ++i) {
      const long n = each ? i + 1 : 1 + i * (calls - 1) / std::max(1L, std::min(calls, samples) - 1);
      for (std::size_t e = 0; e <= errors.size(); ++e) {
        if (!all && e != static_cast<std::size_t>(i) % (errors.size() + 1)) continue;
        const std::string error = e < errors.size() ? std::to_string(errors[e]) : "short";
        SCOPED_TRACE("call " + std::to_string(n) + " of " + std::to_string(calls) + ", error " + error);
        fs::remove_all(at("work/out"));
        fs::create_directories(at("work/out"));
        const Outcome outcome = with_fault(arguments, n, error);
        ++tried;
        EXPECT_EQ(files_in(at("work/in")), inputs);
        EXPECT_EQ(outcome.text.find("internal error"), std::string::npos) << outcome.text;
        if (outcome.status == 0) {  // it did not matter, or was overcome
          EXPECT_EQ(results(name), wanted) << outcome.text;
          EXPECT_EQ(entries(), std::set<std::string>{name}) << outcome.text;
          continue;
        }
        ++failed;
        EXPECT_NE(error, "short") << outcome.text;
        EXPECT_TRUE(outcome.status == 1 || outcome.status == 3) << outcome.status << "\n" << outcome.text;
        EXPECT_NE(outcome.text.find("lethe: cannot"), std::string::npos) << outcome.text;
        EXPECT_NE(outcome.text.find(std::strerror(errors[e])), std::string::npos) << outcome.text;
        if (resume.empty() || !fs::exists(out(name + ".unfinished"))) {
          EXPECT_EQ(entries(), std::set<std::string>{}) << outcome.text;
          continue;
        }
        EXPECT_EQ(entries(), std::set<std::string>{name + ".unfinished"}) << outcome.text;
        const Outcome again = with_fault(resume, 0, "0");
        EXPECT_EQ(again.status, 0) << outcome.text << again.text;
        EXPECT_EQ(results(name), wanted);
        ++resumed;
      }
    }
    EXPECT_GT(failed, 0);
    std::cout << "faults: " << calls << " calls, " << tried << " faults, " << failed << " ended the command, "
              << resumed << " went on to the same bits\n";
  }

  /// The files in the output folder.
  std::set<std::string> entries() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(at("work/out"))) names.insert(entry.path().filename().string());
    return names;
  }
};

TEST_F(Faults, OfNegateLeaveNothingHalfWritten) {
  fs::copy(in("model"), in("tuned"), fs::copy_options::recursive);
  try_faults("negate --base " + in("model") + " --tuned " + in("tuned") + " --alpha 0.5 --out " + out("negated"),
             "negated");
}

TEST_F(Faults, OfCombiningVectorsLeaveNothingHalfWritten) {
  fs::copy(in("model"), in("tuned"), fs::copy_options::recursive);
  ASSERT_EQ(run("vector extract --base " + in("model") + " --tuned " + in("tuned") + " --out " + in("vector")).status,
            0);
  try_faults("vector combine --base " + in("model") + " --subtract " + in("vector") + ":0.5 --out " + out("sum"),
             "sum");
}

TEST_F(Faults, OfUnlearnKeepWhatWasTrained) {
  try_faults(
      "unlearn --quiet --threads 1 --model " + in("model") + " --harmful " + in("data/harmful.jsonl") + " --normal " +
          in("data/normal.jsonl") +
          " tuning=lora training.steps=4 training.batch=1 training.snapshot_steps=2 sku.k=1 evaluation.prompts=0 "
          "negation.alpha=0.5 --out " +
          out("run"),
      "run", "unlearn --quiet --resume " + out("run"));
}

TEST_F(Faults, OfMergeLeaveNothingHalfWritten) {
  ASSERT_EQ(run("unlearn --quiet --model " + in("model") + " --harmful " + in("data/harmful.jsonl") + " --normal " +
                in("data/normal.jsonl") +
                " tuning=lora training.steps=1 training.batch=1 sku.k=1 evaluation.prompts=0 negation.alpha=1 --out " +
                in("run"))
                .status,
            0);
  try_faults("merge --base " + in("model") + " --adapter " + in("run/adapter") + " --out " + out("merged"), "merged");
}

TEST_F(Faults, OfGenerateLeaveNoHalfFile) {
  write_file(in("prompts.jsonl"), "{\"prompt\": \"Where does Mira live?\"}\n{\"prompt\": \"Who is at the well?\"}\n");
  try_faults("generate --quiet --model " + in("model") + " --input " + in("prompts.jsonl") +
                 " --max-new-tokens 4 --output " + out("answers.jsonl"),
             "answers.jsonl");
}

TEST_F(Faults, OfMemoryAreReportedAsSuch) {
  if (kSanitized) GTEST_SKIP() << "the library that makes allocations fail would stand before the sanitizer";
  const Files inputs = files_in(at("work/in"));
  const std::string arguments = "unlearn --quiet --threads 1 --model " + in("model") + " --harmful " +
                                in("data/harmful.jsonl") + " --normal " + in("data/normal.jsonl") +
                                " tuning=full training.steps=2 training.batch=1 sku.k=1 evaluation.prompts=0 "
                                "negation.alpha=0.5 --out " +
                                out("run");
  long failed = 0;
  // The first are those of the engine as it is loaded, which ends the process; blocks of tensors are used again, so
  // that there are few.
  constexpr long kOfTheEngine = 20;
  const long step = std::getenv("LETHE_FAULTS") != nullptr ? 1 : 8;
  for (long n = kOfTheEngine; n <= 70; n += step) {
    SCOPED_TRACE("allocation " + std::to_string(n));
    const Outcome outcome = command_outcome("LD_PRELOAD=" LETHE_FAIL_NTH " FAULT_ALLOCATION=" + std::to_string(n) +
                                            " OMP_NUM_THREADS=1 " LETHE_PROGRAM " " + arguments + " 2>&1");
    EXPECT_EQ(files_in(at("work/in")), inputs);
    if (outcome.status != 0) {
      ++failed;
      expect_all(outcome, 1, {"lethe: cannot go on: out of memory"});
      EXPECT_FALSE(fs::exists(out("run"))) << outcome.text;
    }
    fs::remove_all(at("work/out"));
    fs::create_directories(at("work/out"));
  }
  EXPECT_GT(failed, 0);
}

TEST_F(Faults, AFileCutWhileItIsReadIsReportedAsSuch) {
  // Sparse, and large enough to be cut while it is worked on.
  const std::string large = in("large");
  fs::create_directories(large);
  fs::copy(in("model/config.json"), large + "/config.json");
  const std::string header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[100000000],\"data_offsets\":[0,400000000]}}";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  write_file(large + "/model.safetensors", bytes + header);
  fs::resize_file(large + "/model.safetensors", 8 + header.size() + 400000000);
  const Outcome outcome = shell(LETHE_PROGRAM " negate --base " + large + " --tuned " + large + " --alpha 0.5 --out " +
                                out("cut") + " & pid=$!; while [ -z \"$(ls -d " + at("work/out") +
                                "/.cut.partial-* 2> /dev/null)\" ]; do sleep 0.01; done; truncate -s 4096 " + large +
                                "/model.safetensors; wait $pid; echo status $?");
  expect_all(outcome, 0, {"cannot read " + large + "/model.safetensors", "it became shorter", "status 1"});
  EXPECT_EQ(entries(), std::set<std::string>{});
}

TEST_F(Faults, AFileSystemWithoutLocksIsReportedAsSuch) {
  if (kSanitized) GTEST_SKIP() << "the library that makes calls fail would stand before the sanitizer";
  const std::string job = "unlearn --quiet --threads 1 --model " + in("model") + " --harmful " +
                          in("data/harmful.jsonl") + " --normal " + in("data/normal.jsonl") +
                          " training.steps=1 training.batch=1 sku.k=1 evaluation.prompts=0 negation.alpha=1 --out ";
  expect_all(with_every("flock", ENOSYS, job + out("run")), 1,
             {"cannot lock " + out("run.unfinished"), std::strerror(ENOSYS), "without file locks"});
  EXPECT_EQ(entries(), std::set<std::string>{});
  // Random names alone keep two of these apart.
  expect_all(with_every("flock", ENOLCK, split_job()), 0, {});
  EXPECT_EQ(entries(), std::set<std::string>{"parts"});
}

TEST_F(Faults, AFileSystemWithoutFilesOfNoNameWillDo) {
  if (kSanitized) GTEST_SKIP() << "the library that makes calls fail would stand before the sanitizer";
  ASSERT_EQ(run(split_job()).status, 0);
  const Files wanted = results("parts");
  fs::remove_all(out("parts"));
  expect_all(with_every("open-unnamed", EOPNOTSUPP, split_job()), 0, {});
  EXPECT_EQ(results("parts"), wanted);
  EXPECT_EQ(entries(), std::set<std::string>{"parts"});
}

TEST_F(Faults, AResultThatCannotGetItsNameIsKeptAndTheMessageSaysWhere) {
  if (kSanitized) GTEST_SKIP() << "the library that makes calls fail would stand before the sanitizer";
  const Outcome staged = with_every("rename", EACCES, split_job());
  expect_all(staged, 3, {"cannot finish", std::strerror(EACCES), "kept"});
  ASSERT_EQ(entries().size(), 1U) << staged.text;
  const std::string kept = *entries().begin();
  EXPECT_NE(staged.text.find(out(kept)), std::string::npos) << staged.text;
  EXPECT_TRUE(fs::exists(out(kept + "/seen.jsonl")));
  EXPECT_EQ(run(split_job()).status, 0);
  EXPECT_TRUE(fs::exists(out(kept + "/seen.jsonl"))) << "taken for an orphan";
}

TEST_F(Faults, OfSplitLeaveNothingHalfWritten) {
  try_faults(split_job(), "parts");
}

}  // namespace
}  // namespace lethe
