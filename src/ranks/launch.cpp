#include "ranks/launch.h"

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <thread>

#include "core/descriptor.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/messages.h"
#include "ranks/rank_place.h"

extern char** environ;

namespace lethe {
namespace {

constexpr int kMostProcesses = 256;
constexpr std::chrono::seconds kGrace(6);
constexpr std::chrono::seconds kGraceOfOthers(8);     // they write nothing; one may still be looking for rank 0
constexpr std::chrono::minutes kGraceOfSnapshot(30);  // rank 0 writes it; all weights of a large model take minutes

Error cannot_launch(const std::string& reason) {
  return Error("cannot start the ranks").with("reason", reason);
}

/// A socket bound to a free port of this machine, which rank 0 inherits: nobody else can take the port meanwhile.
struct Meeting {
  Descriptor socket;
  int port = 0;
};

Meeting open_meeting() {
  Meeting meeting{Descriptor(::socket(AF_INET, SOCK_STREAM, 0))};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (!meeting.socket || ::bind(meeting.socket.get(), plain, size) != 0 ||
      ::listen(meeting.socket.get(), kMostProcesses) != 0 || ::getsockname(meeting.socket.get(), plain, &size) != 0)
    throw cannot_launch(std::strerror(errno));
  meeting.port = ntohs(address.sin_port);
  return meeting;
}

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

std::vector<std::string> environment_of(int rank, int size, const Meeting& meeting) {
  std::map<std::string, std::string> variables = own_environment();
  const std::string number = std::to_string(rank), count = std::to_string(size);
  for (const char* name : {"RANK", "LOCAL_RANK"}) variables[name] = number;
  for (const char* name : {"WORLD_SIZE", "LOCAL_WORLD_SIZE"}) variables[name] = count;
  variables["MASTER_ADDR"] = "127.0.0.1";
  variables["MASTER_PORT"] = std::to_string(meeting.port);
  variables["LETHE_LISTENING"] = std::to_string(meeting.socket.get());
  for (const char* name : {"TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT"})
    variables.erase(name);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  variables.try_emplace("OMP_NUM_THREADS", std::to_string(std::max(1, cores / size)));
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The group of processes that signals are passed on to; 0: none.
std::atomic<pid_t> ranks_group = 0;

void pass_on(int signal) {
  if (const pid_t group = ranks_group; group != 0) ::kill(-group, signal);
}

// A second Ctrl-C ends this process at once, and the ranks too.
void pass_on_at_once() noexcept {
  pass_on(SIGINT);
}

/// One rank's process.
pid_t start_rank(const LaunchOptions& options, int rank, const Meeting& meeting) {
  std::vector<std::string> words = options.words, entries = environment_of(rank, options.processes, meeting);
  words.insert(words.begin(), options.program);
  const std::vector<char*> arguments = pointers_to(words), environment = pointers_to(entries);
  const pid_t parent = ::getpid(), group = ranks_group;
  const pid_t child = ::fork();
  if (child != 0) return child;
  // Only calls that are safe after fork().
  ::setpgid(0, group);  // Ctrl-C reaches them through this process, once
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (rank != 0) ::close(meeting.socket.get());
  ::execve(options.program.c_str(), arguments.data(), environment.data());
  ::_exit(127);
}

struct Ended {
  int rank, status;
};

// @return a rank that ended since the last call
std::optional<Ended> reap(std::map<pid_t, int>& running) {
  int status = 0;
  const pid_t child = ::waitpid(-1, &status, WNOHANG);
  const auto found = running.find(child);
  if (child <= 0 || found == running.end()) return std::nullopt;
  const Ended ended{found->second, status};
  running.erase(found);
  return ended;
}

// Waits for all ranks. @return their exit statuses, by rank
std::vector<int> await_ranks(std::map<pid_t, int> running, int size) {
  std::vector<int> statuses(static_cast<std::size_t>(size), 0);
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> failed;  // when the first rank did
  bool passed_on = false, asked = false;
  while (!running.empty()) {
    // SIGTERM, not SIGINT: a rank that was asked to stop already would take a SIGINT for a second Ctrl-C.
    if (interrupted() && !std::exchange(passed_on, true)) pass_on(SIGTERM);
    // The others end by themselves, unless they still wait for a rank that never came.
    const auto since = failed ? Clock::now() - *failed : Clock::duration();
    if (since > kGrace && !std::exchange(asked, true)) pass_on(SIGTERM);
    for (const auto& [child, rank] : running) {
      if (rank == 0 ? since > kGraceOfSnapshot : since > kGraceOfOthers) ::kill(child, SIGKILL);
    }
    const auto ended = reap(running);
    if (!ended) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    int& status = statuses[static_cast<std::size_t>(ended->rank)];
    if (WIFSIGNALED(ended->status)) {
      print_failure(rank_name(ended->rank, size) + " was ended by signal " + std::to_string(WTERMSIG(ended->status)) +
                    " (" + strsignal(WTERMSIG(ended->status)) + ")");
      status = static_cast<int>(ExitCode::failed);
    } else {
      status = WEXITSTATUS(ended->status);
    }
    if (status != 0 && !failed) failed = Clock::now();
  }
  return statuses;
}

}  // namespace

int launch_ranks(const LaunchOptions& options) {
  if (options.processes < 1 || options.processes > kMostProcesses)
    throw bad_usage("cannot start the ranks")
        .with("option", "-n")
        .wanted("1 to " + std::to_string(kMostProcesses))
        .found(std::to_string(options.processes));
  const Meeting meeting = open_meeting();
  clean_up_on_sudden_end(pass_on_at_once);
  std::map<pid_t, int> running;  // process -> rank
  std::string processes;
  for (int rank = 0; rank < options.processes; ++rank) {
    const pid_t child = start_rank(options, rank, meeting);
    if (child < 0) {
      const int reason = errno;
      pass_on(SIGKILL);
      throw cannot_launch(std::strerror(reason));
    }
    ::setpgid(child, ranks_group);
    if (ranks_group == 0) ranks_group = child;
    running[child] = rank;
    processes += (rank == 0 ? "" : ", ") + std::to_string(child);
  }
  say(std::to_string(options.processes) + " ranks on this machine: processes " + processes);
  const std::vector<int> statuses = await_ranks(std::move(running), options.processes);
  ranks_group = 0;
  for (const int status : statuses) {
    if (status != 0) return status;
  }
  return 0;
}

}  // namespace lethe
