// Which process of a run this one is, from the environment that torchrun, srun, mpirun or `lethe launch` sets.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace lethe {

struct RankPlace {
  int rank = 0, size = 1;
  int local_rank = 0;  ///< among the processes of this machine: the number of its GPU
  bool local = true;   ///< all processes are on this machine
  std::string host;    ///< where rank 0 can be reached
  int port = 0;
  std::string launcher;      ///< "torchrun", for messages
  bool hosts_store = false;  ///< whether this process answers at host:port; torchrun's own agent may do so
  int listening = -1;        ///< a socket that `lethe launch` has bound to the port, or -1
  std::string attempt;       ///< differs for each start under one agent, whose store outlives the processes
};

/// Reads RANK and WORLD_SIZE (torchrun, `lethe launch`), OMPI_COMM_WORLD_* (mpirun) or SLURM_* (of a step of srun), in
/// this order, with MASTER_ADDR and MASTER_PORT.
/// @param variable  getenv(); a test passes another
/// @return nothing if this process was started alone
/// @throws Error (usage) naming the variable that is missing or wrong
std::optional<RankPlace> rank_place(const std::function<const char*(const char*)>& variable);
std::optional<RankPlace> rank_place();

/// "rank 1 of 4"
std::string rank_name(int rank, int size);

}  // namespace lethe
