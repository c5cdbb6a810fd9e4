// A training that is interrupted by any signal keeps its work and continues to the same bits.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class Signals : public Program {
 protected:
  std::string job(const std::string& out, const std::string& settings = "") const {
    return "unlearn --quiet --threads 1 --model " + model_ + data() +
           " tuning=lora training.steps=8 training.batch=1 training.accumulate=8 sku.k=1 evaluation.prompts=0 "
           "negation.alpha=0.5 " +
           settings + " --out " + at(out);
  }
  /// Starts lethe by a shell's words, sends the signal once so many steps are done, and waits for its end.
  Outcome stopped(const std::string& start, const std::string& out, int steps, const std::string& signal) const {
    const std::string metrics = at(out) + ".unfinished/metrics.jsonl";
    return shell(start + " & pid=$!; while kill -0 $pid 2> /dev/null && [ $(cat " + metrics +
                 " 2> /dev/null | wc -l) -lt " + std::to_string(steps) + " ]; do sleep 0.01; done; kill -" + signal +
                 " $pid 2> /dev/null; wait $pid");
  }
  std::string adapter(const std::string& out) const {
    return read_file(at(out + "/adapter/adapter_model.safetensors"));
  }
};

TEST_F(Signals, OfAHangupASchedulerOrAnOperatorLeaveASnapshotThatContinuesToTheSameBits) {
  ASSERT_EQ(run(job("whole")).status, 0);
  for (const char* signal : {"HUP", "TERM"}) {
    const std::string out = std::string("run") + signal;
    expect_all(stopped(LETHE_PROGRAM " " + job(out), out, 2, signal), 130,
               {"interrupted after step", std::string("SIG") + signal, "--resume " + at(out)});
    EXPECT_FALSE(fs::is_empty(at(out + ".unfinished/snapshots")));
    ASSERT_EQ(run("unlearn --quiet --resume " + at(out)).status, 0);
    EXPECT_EQ(adapter(out), adapter("whole")) << signal;
  }
}

TEST_F(Signals, AHangupOfWhatNohupStartedAndAClosedPipeStopNothing) {
  // The reader of its messages goes away after the first byte; then the connection is lost.
  std::string loud = job("run");
  loud.erase(loud.find(" --quiet"), 8);
  const Outcome outcome = shell("trap \"\" HUP; { " LETHE_PROGRAM " " + loud +
                                " 2>&1 & pid=$!; sleep 0.3; kill -HUP $pid; wait $pid; echo ended $? > " +
                                at("status") + "; } | head -c 1 > /dev/null");
  EXPECT_EQ(read_file(at("status")), "ended 0\n") << outcome.text;
  EXPECT_TRUE(fs::exists(at("run/adapter")));
}

}  // namespace
}  // namespace lethe
