#include "ranks/rank_place.h"

#include <cstdlib>

#include "core/error.h"

namespace lethe {
namespace {

constexpr int kMostRanks = 4096, kUsualPort = 29500;  // torch.distributed's port

/// The names under which a launcher tells a process its place.
struct Launcher {
  const char *name, *rank, *size, *local_rank, *local_size;
};
constexpr Launcher kTorchrun = {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"};
constexpr Launcher kMpirun = {"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                              "OMPI_COMM_WORLD_LOCAL_SIZE"};
// SLURM_NTASKS would not do: a batch script has it too, and runs alone.
constexpr Launcher kSrun = {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", ""};

class Environment {
 public:
  explicit Environment(const std::function<const char*(const char*)>& variable) : variable_(variable) {}

  std::string text(const std::string& name) const {
    const char* value = name.empty() ? nullptr : variable_(name.c_str());
    return value == nullptr ? "" : value;
  }
  bool has(const std::string& name) const { return !text(name).empty(); }
  /// @return `otherwise` if the variable is not set
  int number(const std::string& name, int least, int most, int otherwise) const {
    const std::string value = text(name);
    if (value.empty()) return otherwise;
    const bool whole = value.size() < 8 && value.find_first_not_of("0123456789") == std::string::npos;
    const int found = whole ? std::stoi(value) : -1;
    if (found < least || found > most)
      throw wrong()
          .with("variable", name)
          .wanted(std::to_string(least) + " to " + std::to_string(most))
          .found(excerpt(value));
    return found;
  }
  void require(const std::string& name, const Launcher& launcher, const std::string& hint) const {
    if (!has(name))
      throw wrong()
          .with("variable", name)
          .wanted("set, as " + std::string(launcher.name) + " does")
          .found("none")
          .hint(hint);
  }
  static Error wrong() { return bad_usage("cannot find this process's place among the ranks of the run"); }

 private:
  const std::function<const char*(const char*)>& variable_;
};

const Launcher* launcher_in(const Environment& environment) {
  if (environment.has(kTorchrun.rank) || environment.has(kTorchrun.size)) return &kTorchrun;
  if (environment.has(kMpirun.size)) return &kMpirun;
  if (environment.has(kSrun.size)) return &kSrun;
  return nullptr;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// Where rank 0 is.
void read_meeting_point(const Environment& environment, const Launcher& launcher, RankPlace& place) {
  place.host = environment.text("MASTER_ADDR");
  if (&launcher == &kTorchrun || !place.local)
    environment.require("MASTER_ADDR", launcher,
                        &launcher == &kSrun ? "export MASTER_ADDR=$(scontrol show hostnames $SLURM_JOB_NODELIST | head "
                                              "-n 1) in the batch script"
                                            : "export MASTER_ADDR=HOST of rank 0; `lethe launch -n 2 unlearn …` starts "
                                              "processes of this machine; to run alone, unset " +
                                                  std::string(launcher.size));
  if (place.host.empty()) place.host = "127.0.0.1";
  if (&launcher == &kTorchrun)
    environment.require("MASTER_PORT", launcher, "export MASTER_PORT=" + std::to_string(kUsualPort));
  place.port = environment.number("MASTER_PORT", 1, 65535, kUsualPort);
}

}  // namespace

std::optional<RankPlace> rank_place(const std::function<const char*(const char*)>& variable) {
  const Environment environment(variable);
  const Launcher* launcher = launcher_in(environment);
  if (launcher == nullptr) return std::nullopt;
  for (const char* name : {launcher->rank, launcher->size})
    environment.require(name, *launcher, "to run alone, unset RANK and WORLD_SIZE");
  RankPlace place;
  place.launcher = launcher->name;
  place.size = environment.number(launcher->size, 1, kMostRanks, 1);
  place.rank = environment.number(launcher->rank, 0, place.size - 1, 0);
  if (place.size == 1) return std::nullopt;
  place.local_rank = environment.number(launcher->local_rank, 0, kMostRanks, place.rank);
  const bool one_node = launcher == &kSrun && environment.number("SLURM_STEP_NUM_NODES", 1, kMostRanks, 0) == 1;
  place.local = one_node || environment.number(launcher->local_size, 1, kMostRanks, 0) == place.size ||
                is_loopback(environment.text("MASTER_ADDR"));
  read_meeting_point(environment, *launcher, place);
  place.hosts_store = place.rank == 0 && environment.text("TORCHELASTIC_USE_AGENT_STORE") != "True";
  if (place.hosts_store) place.listening = environment.number("LETHE_LISTENING", 3, kMostRanks, -1);
  place.attempt = environment.text("TORCHELASTIC_RUN_ID") + "/" + environment.text("TORCHELASTIC_RESTART_COUNT");
  return place;
}

std::optional<RankPlace> rank_place() {
  return rank_place([](const char* name) { return std::getenv(name); });
}

std::string rank_name(int rank, int size) {
  return "rank " + std::to_string(rank) + " of " + std::to_string(size);
}

}  // namespace lethe
