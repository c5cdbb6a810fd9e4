// A process finds its place among the ranks in the environment of each launcher, and says what is wrong with it.
#include "ranks/rank_place.h"

#include <gtest/gtest.h>

#include <map>

#include "core/error.h"

namespace lethe {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<RankPlace> place_in(const Variables& variables) {
  return rank_place([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal_of(const Variables& variables) {
  try {
    place_in(variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "";
}

const Variables kTorchrun = {{"RANK", "3"},
                             {"WORLD_SIZE", "4"},
                             {"LOCAL_RANK", "1"},
                             {"LOCAL_WORLD_SIZE", "2"},
                             {"MASTER_ADDR", "node7"},
                             {"MASTER_PORT", "29501"}};

TEST(RankPlace, IsNothingForAProcessThatWasStartedAlone) {
  EXPECT_FALSE(place_in({}));
  EXPECT_FALSE(place_in({{"RANK", "0"}, {"WORLD_SIZE", "1"}}));
  // A batch script has the variables of its job, and of no step of srun.
  EXPECT_FALSE(place_in({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}, {"SLURM_LOCALID", "0"}}));
}

TEST(RankPlace, ReadsTorchrun) {
  const auto place = place_in(kTorchrun);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 3);
  EXPECT_EQ(place->size, 4);
  EXPECT_EQ(place->local_rank, 1);
  EXPECT_FALSE(place->local);
  EXPECT_EQ(place->host, "node7");
  EXPECT_EQ(place->port, 29501);
  EXPECT_FALSE(place->hosts_store);
}

TEST(RankPlace, Rank0HostsTheStoreUnlessTorchrunsAgentDoes) {
  Variables variables = kTorchrun;
  variables["RANK"] = "0";
  EXPECT_TRUE(place_in(variables)->hosts_store);
  variables["TORCHELASTIC_USE_AGENT_STORE"] = "True";
  EXPECT_FALSE(place_in(variables)->hosts_store);
}

TEST(RankPlace, ReadsMpirunAndSrun) {
  const auto mpi = place_in({{"OMPI_COMM_WORLD_RANK", "1"},
                             {"OMPI_COMM_WORLD_SIZE", "2"},
                             {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                             {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  ASSERT_TRUE(mpi);
  EXPECT_TRUE(mpi->local);
  EXPECT_EQ(mpi->host, "127.0.0.1");
  EXPECT_EQ(mpi->launcher, "mpirun");
  Variables step = {{"SLURM_PROCID", "5"},
                    {"SLURM_STEP_NUM_TASKS", "8"},
                    {"SLURM_STEP_NUM_NODES", "2"},
                    {"SLURM_LOCALID", "1"},
                    {"MASTER_ADDR", "node1"}};
  const auto srun = place_in(step);
  ASSERT_TRUE(srun);
  EXPECT_EQ(srun->rank, 5);
  EXPECT_EQ(srun->port, 29500);
  EXPECT_FALSE(srun->local);
  step["SLURM_STEP_NUM_NODES"] = "1";
  step.erase("MASTER_ADDR");
  EXPECT_TRUE(place_in(step)->local);
}

TEST(RankPlace, NamesTheVariableThatIsWrong) {
  const std::vector<std::pair<Variables, std::string>> wrong = {
      {{{"WORLD_SIZE", "2"}}, "RANK"},
      {{{"RANK", "1"}}, "WORLD_SIZE"},
      {{{"RANK", "2"}, {"WORLD_SIZE", "2"}}, "0 to 1"},
      {{{"RANK", "-1"}, {"WORLD_SIZE", "2"}}, "RANK"},
      {{{"RANK", "0"}, {"WORLD_SIZE", "99999999999"}}, "WORLD_SIZE"},
      {{{"RANK", "0"}, {"WORLD_SIZE", "2"}}, "MASTER_ADDR"},
      {{{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}}, "MASTER_PORT"},
      {{{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "http"}}, "MASTER_PORT"},
      {{{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_STEP_NUM_NODES", "2"}}, "scontrol"}};
  for (const auto& [variables, word] : wrong)
    EXPECT_NE(refusal_of(variables).find(word), std::string::npos) << word << "\n" << refusal_of(variables);
}

}  // namespace
}  // namespace lethe
