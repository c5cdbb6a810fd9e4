// Two commands with the same OUT at the same moment: one succeeds, and all files come from one run.
#include <map>

#include "cli/program_fixture.h"

namespace lethe {
namespace {

using Race = Program;

TEST_F(Race, TwoRunsIntoOneFolderAreNeverMixed) {
  const auto job = [&](const std::string& out, int seed) {
    return "OMP_NUM_THREADS=1 " LETHE_PROGRAM " unlearn --quiet --threads 1 --seed " + std::to_string(seed) +
           " --model " + model_ + data() +
           " tuning=lora training.steps=2 training.batch=1 training.snapshot_steps=1 sku.k=1 evaluation.prompts=0 "
           "negation.alpha=0.5 --out " +
           at(out);
  };
  std::map<int, std::string> alone;
  for (const int seed : {1, 2}) {
    const std::string name = "alone" + std::to_string(seed);
    ASSERT_EQ(shell(job(name, seed)).status, 0);
    alone[seed] = read_file(at(name + "/adapter/adapter_model.safetensors"));
  }
  ASSERT_NE(alone[1], alone[2]);
  for (int round = 0; round < 4; ++round) {
    const std::string name = "run" + std::to_string(round);
    const Outcome both = shell(job(name, 1) + " & first=$!; " + job(name, 2) + " & second=$!; wait $first; a=$?; " +
                               "wait $second; echo $a $?");
    const bool first = both.text.ends_with("0 3\n"), second = both.text.ends_with("3 0\n");
    ASSERT_TRUE(first || second) << both.text;
    EXPECT_EQ(read_file(at(name + "/adapter/adapter_model.safetensors")), alone[first ? 1 : 2]);
    EXPECT_EQ(read_json(at(name + "/run.json")).at("seed"), first ? 1 : 2);
    EXPECT_FALSE(fs::exists(at(name + "/snapshots")));
    EXPECT_FALSE(fs::exists(at(name + ".unfinished")));
  }
}

}  // namespace
}  // namespace lethe
