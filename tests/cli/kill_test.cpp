// SIGKILL at any moment: inputs stay, nothing half-written has a final name, and the run continues to the same bits.
// LETHE_KILLS=n tries n moments; otherwise a few.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "cli/program_fixture.h"
#include "core/random.h"

namespace lethe {
namespace {

class Killed : public Program {
 protected:
  long moments(long few) const {
    const char* asked = std::getenv("LETHE_KILLS");
    return asked != nullptr ? std::atol(asked) : few;
  }
  /// Starts lethe, and kills it after so many milliseconds. @return 137, or what it ended with before. The process is
  /// gone then: `timeout -s KILL` kills itself as well, and returns while the program still holds its files and locks.
  int killed_after(const std::string& arguments, long milliseconds) const {
    const pid_t child = start_program(arguments, at("last.log"));
    ::usleep(static_cast<useconds_t>(milliseconds) * 1000);
    ::kill(child, SIGKILL);
    return ended(child);
  }
  /// Runs may be faster than the one that was timed, on a machine that was busy then: until one was killed.
  static bool goes_on(long done, long wanted, long killed) { return done < wanted || (killed == 0 && done < 50); }
  double milliseconds_of(const std::string& arguments) const {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(run(arguments).status, 0);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }
};

TEST_F(Killed, ATrainingContinuesToTheSameBitsFromAnyMoment) {
  const auto job = [&](const std::string& out) {
    return "unlearn --quiet --threads 1 --model " + model_ + data() +
           " tuning=lora lora.dropout=0.1 training.steps=10 training.batch=1 training.snapshot_steps=1 sku.k=1 "
           "evaluation.prompts=0 negation.alpha=0.5 --out " +
           at(out);
  };
  const auto next = [&](const std::string& name) {
    const fs::path snapshots = at(name + ".unfinished/snapshots");
    return fs::exists(snapshots) && !fs::is_empty(snapshots) ? "unlearn --quiet --resume " + at(name) : job(name);
  };
  const double whole = milliseconds_of(job("whole"));
  const std::string wanted = read_file(at("whole/adapter/adapter_model.safetensors"));
  RandomStream random(17, "moments");
  long killed = 0, ended = 0;
  for (long i = 0; goes_on(i, moments(4), killed); ++i) {
    // Killed again and again, each time a random while after it was started, until it ends by itself.
    const std::string name = "run" + std::to_string(i);
    int status = 137, starts = 0;
    for (; status == 137 && starts < 40; ++starts) {
      const auto moment = static_cast<long>(random.uniform() * whole * 1.3) + 1;
      status = killed_after(next(name), moment);
      if (status == 137) ++killed;
      ASSERT_TRUE(status == 0 || status == 137) << status << "\n" << read_file(at("last.log"));
      // Under its final name there is nothing, or all of it.
      if (fs::exists(at(name))) {
        ASSERT_EQ(read_file(at(name + "/adapter/adapter_model.safetensors")), wanted);
        ASSERT_TRUE(fs::exists(at(name + "/run.json")));
        break;
      }
    }
    if (status == 137 && !fs::exists(at(name))) {
      ASSERT_EQ(run(next(name)).status, 0);
    }
    ASSERT_EQ(read_file(at(name + "/adapter/adapter_model.safetensors")), wanted);
    if (fs::exists(at(name + "/.lock")))  // killed after the folder got its name: whatever touches it next tidies up
      expect_all(run("unlearn --resume " + at(name)), 3, {"a run that is finished"});
    ASSERT_FALSE(fs::exists(at(name + "/snapshots")));
    ASSERT_FALSE(fs::exists(at(name + "/.lock")));
    ++ended;
  }
  EXPECT_GT(killed, 0);
  std::cout << "kills: " << killed << " of unlearn, " << ended << " runs ended with the same bits\n";
}

TEST_F(Killed, ANegationIsThereOrNot) {
  const std::string job = "negate --base " + model_ + " --tuned " + model_ + " --alpha 0.5 --out ";
  const double whole = milliseconds_of(job + at("whole"));
  const std::string wanted = read_file(at("whole/model.safetensors")),
                    base = read_file(fs::path(model_) / "model.safetensors");
  RandomStream random(18, "moments");
  long killed = 0;
  for (long i = 0; goes_on(i, moments(6), killed); ++i) {
    const int status = killed_after(job + at("out"), static_cast<long>(random.uniform() * whole * 1.1) + 1);
    killed += status == 137 ? 1 : 0;
    ASSERT_TRUE(status == 0 || status == 137) << status << "\n" << read_file(at("last.log"));
    if (fs::exists(at("out"))) {
      ASSERT_EQ(read_file(at("out/model.safetensors")), wanted);
    } else {  // what was left is not in the way
      const Outcome again = run(job + at("out"));
      ASSERT_EQ(again.status, 0) << again.text;
      for (const auto& entry : fs::directory_iterator(fs::path(at("out")).parent_path()))
        ASSERT_FALSE(entry.path().filename().string().starts_with(".out.partial")) << entry.path();
    }
    fs::remove_all(at("out"));
  }
  ASSERT_EQ(read_file(fs::path(model_) / "model.safetensors"), base);
  EXPECT_GT(killed, 0);
  std::cout << "kills: " << killed << " of negate\n";
}

}  // namespace
}  // namespace lethe
