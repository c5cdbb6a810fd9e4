// Starts the ranks of a run as processes of this machine.
#pragma once

#include <string>
#include <vector>

namespace lethe {

struct LaunchOptions {
  int processes = 2;
  std::string program;             ///< the file to run
  std::vector<std::string> words;  ///< its arguments
};

/// Runs the program once for each rank, with the environment that rank_place() reads, and waits for all of them. Each
/// process gets its share of the cores (OMP_NUM_THREADS), unless that is set. A stop request is passed on to all ranks
/// once. If this process is killed, the system asks the ranks to stop.
/// @return the exit status of rank 0; if it is 0, that of the first other rank that failed
/// @throws Error if a process cannot be started
int launch_ranks(const LaunchOptions& options);

}  // namespace lethe
