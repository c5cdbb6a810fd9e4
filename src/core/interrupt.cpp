#include "core/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>

#include "core/error.h"
#include "core/files.h"
#include "core/mapped_file.h"

namespace lethe {
namespace {

std::atomic<int> asked{0};  // the signal

// A thread's whole life. It alone takes these signals: oneDNN's AVX-512 products do not survive a handler that runs on
// the stack of the thread that computes them (docs/design.md), and a thread may do what a handler may not: remove
// folders.
void wait_for_signals(const sigset_t& signals) {
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0 || asked.exchange(signal) == 0) continue;
    remove_staged_folders();
    _exit(static_cast<int>(ExitCode::interrupted));
  }
}

// Files are read through memory maps: where the disk fails or the file was cut meanwhile, the system sends this.
void on_lost_page(int, siginfo_t* info, void*) {
  static std::atomic_flag told;
  while (told.test_and_set()) ::pause();  // another thread says it, and ends the process
  const char* path = mapped_path_at(info->si_addr);
  for (const char* text : {"lethe: cannot read ", path == nullptr ? "a file that is mapped into memory" : path,
                           "\n  found  it became shorter, or the disk failed\n"
                           "  try    check the inputs, and leave them alone while lethe uses them\n"}) {
    (void)!::write(STDERR_FILENO, text, std::strlen(text));
  }
  remove_staged_folders();
  _exit(static_cast<int>(ExitCode::failed));
}

}  // namespace

void handle_interrupts() {
  struct sigaction lost_page {};
  lost_page.sa_sigaction = on_lost_page;
  lost_page.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &lost_page, nullptr);
  // A shell starts what runs behind an "&" with SIGINT ignored, and an ignored signal reaches nobody.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(wait_for_signals, signals).detach();
}

bool interrupted() {
  return asked.load() != 0;
}

bool take_interrupt() {
  int signal = SIGINT;
  return asked.compare_exchange_strong(signal, 0);
}

void stop_if_interrupted() {
  if (interrupted())
    throw Error("interrupted; nothing was written, and inputs are as they were", ExitCode::interrupted);
}

}  // namespace lethe
