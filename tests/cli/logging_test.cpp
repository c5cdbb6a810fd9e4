// logging=[tensorboard]: where a run writes its event files, and what they hold after a resume.
#include <cstring>

#include "cli/program_fixture.h"

namespace lethe {
namespace {

class Logging : public Program {
 protected:
  std::string job(const std::string& out, const std::string& settings) const {
    return "unlearn --quiet --threads 1 --model " + model_ + data() +
           " tuning=lora training.batch=2 training.snapshot_steps=4 sku.k=1 evaluation.prompts=0 negation.alpha=0.5 " +
           settings + " --out " + at(out);
  }
  std::vector<fs::path> event_files(const std::string& folder) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(at(folder))) {
      if (entry.path().filename().string().starts_with("events.out.tfevents.")) found.push_back(entry.path());
    }
    return found;
  }
  // The frames of the folder's only event file: each begins with its length and a checksum, and ends with a checksum.
  std::size_t records_in(const std::string& folder) const {
    const std::vector<fs::path> files = event_files(folder);
    EXPECT_EQ(files.size(), 1U) << folder;
    const std::string bytes = files.empty() ? "" : read_file(files[0]);
    std::size_t count = 0, at = 0;
    for (std::uint64_t length = 0; at + sizeof length <= bytes.size(); at += length + 16, ++count)
      std::memcpy(&length, bytes.data() + at, sizeof length);
    EXPECT_EQ(at, bytes.size());
    return count;
  }
};

TEST_F(Logging, EachTrainingHasAnEventFileAndARepeatedRunIsTheSame) {
  ASSERT_EQ(run(job("run", "method=contrast training.steps=4 logging=[tensorboard]")).status, 0);
  EXPECT_EQ(records_in("run"), 2U + 4U);  // a head of two records
  EXPECT_EQ(records_in("run/safe"), 2U + 4U);
  expect_all(run("rerun --quiet " + at("run")), 0, {});
  ASSERT_EQ(run(job("without", "training.steps=4")).status, 0);
  EXPECT_TRUE(event_files("without").empty());
}

TEST_F(Logging, AResumedRunMayBeginToLogAndHoldsEveryStepOnce) {
  const std::string metrics = at("run") + ".unfinished/metrics.jsonl";
  const Outcome killed = shell(LETHE_PROGRAM " " + job("run", "training.steps=24") +
                               " & pid=$!; while kill -0 $pid 2> /dev/null && [ $(cat " + metrics +
                               " 2> /dev/null | wc -l) -lt 6 ]; do sleep 0.01; done; kill -KILL $pid; wait $pid");
  ASSERT_EQ(killed.status, 128 + 9);
  expect_all(run("unlearn logging=tensorboard --resume " + at("run")), 0, {"going on after step"});
  EXPECT_EQ(records_in("run"), 2U + 24U);
}

}  // namespace
}  // namespace lethe
