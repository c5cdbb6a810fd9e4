#include "core/interrupt.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>

#include "core/error.h"

namespace lethe {
namespace {

constexpr int kByProgram = -1;
std::atomic<int> asked{0};  // the signal, or kByProgram
std::atomic<void (*)() noexcept> clean_up = nullptr;
std::atomic<const char* (*)(const void*) noexcept> path_at = nullptr;

[[noreturn]] void end_at_once(ExitCode code) {
  if (const auto registered = clean_up.load()) registered();
  _exit(static_cast<int>(code));
}

// All of these request a stop at a safe point: Ctrl-C, a lost connection, the system or a scheduler.
struct Signal {
  int number;
  const char* name;
  bool by_keyboard;
};
constexpr std::array<Signal, 7> kSignals = {{{SIGINT, "SIGINT", true},
                                             {SIGQUIT, "SIGQUIT", true},
                                             {SIGTERM, "SIGTERM", false},
                                             {SIGHUP, "SIGHUP", false},
                                             {SIGUSR1, "SIGUSR1", false},
                                             {SIGUSR2, "SIGUSR2", false},
                                             {SIGXCPU, "SIGXCPU", false}}};

const Signal* find_signal(int number) {
  for (const Signal& signal : kSignals) {
    if (signal.number == number) return &signal;
  }
  return nullptr;
}

bool is_ignored(int number) {
  struct sigaction action {};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// The body of the signal thread. Only this thread takes these signals: a handler on the stack of a computing thread
// breaks oneDNN's AVX-512 products (docs/design.md). Also, unlike a handler, a thread may remove folders.
void wait_for_signals(const sigset_t& signals) {
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    const int before = asked.exchange(signal);
    const bool first = before == 0 || before == kByProgram;
    // Only a second signal from the keyboard stops at once. A closed terminal sends SIGHUP twice (the kernel and the
    // shell), and schedulers repeat SIGTERM: a snapshot that is being written must survive these.
    const Signal* found = find_signal(signal);
    if (first || found == nullptr || !found->by_keyboard) continue;
    end_at_once(ExitCode::interrupted);
  }
}

// Files are memory-mapped: if the disk fails or the file was truncated, the system sends this signal.
void on_lost_page(int, siginfo_t* info, void*) {
  static std::atomic_flag told;
  while (told.test_and_set()) ::pause();  // another thread prints the message and ends the process
  const auto registered = path_at.load();
  const char* path = registered == nullptr ? nullptr : registered(info->si_addr);
  for (const char* text : {"lethe: cannot read ", path == nullptr ? "a file that is mapped into memory" : path,
                           "\n  found  it became shorter, or the disk failed\n"
                           "  try    check the inputs, and leave them alone while lethe uses them\n"}) {
    (void)!::write(STDERR_FILENO, text, std::strlen(text));
  }
  end_at_once(ExitCode::failed);
}

}  // namespace

void handle_interrupts() {
  struct sigaction lost_page {};
  lost_page.sa_sigaction = on_lost_page;
  lost_page.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &lost_page, nullptr);
  // A closed output pipe or a file at the size limit makes the write fail; it must not end a training run.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  // A shell starts background processes with SIGINT and SIGQUIT ignored, and an ignored signal is never delivered.
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM}) std::signal(signal, SIG_DFL);
  sigset_t signals;
  sigemptyset(&signals);
  for (const Signal& signal : kSignals) {
    if (!is_ignored(signal.number)) sigaddset(&signals, signal.number);  // nohup ignores SIGHUP on purpose
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(wait_for_signals, signals).detach();
}

bool interrupted() {
  return asked.load() != 0;
}

void request_stop() {
  int none = 0;
  asked.compare_exchange_strong(none, kByProgram);
}

bool take_interrupt() {
  int signal = SIGINT;
  return asked.compare_exchange_strong(signal, 0);
}

bool interrupted_by_keyboard() {
  const Signal* found = find_signal(asked.load());
  return found != nullptr && found->by_keyboard;
}

Error interrupted_error(const std::string& doing) {
  Error error(doing, ExitCode::interrupted);
  const Signal* found = find_signal(asked.load());
  if (found != nullptr && !found->by_keyboard) error.with("signal", found->name);
  return error;
}

std::string kept_parts(const std::filesystem::path& folder, const std::string& part) {
  std::error_code none;
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder, none)) {
    if (file.path().extension() == ".json") ++count;
  }
  if (count == 0) return "";
  return std::to_string(count) + " finished " + part + (count == 1 ? " is" : "s are") + " kept in " + folder.string();
}

void stop_if_interrupted() {
  if (interrupted()) throw interrupted_error("interrupted; no output was written, and inputs are as they were");
}

void clean_up_on_sudden_end(void (*function)() noexcept) {
  clean_up = function;
}

void name_lost_pages(const char* (*function)(const void*) noexcept) {
  path_at = function;
}

}  // namespace lethe
