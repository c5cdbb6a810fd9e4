#include "core/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "core/error.h"
#include "core/files.h"

namespace lethe {
namespace {

std::atomic<int> asked{0};  // the signal

void on_signal(int signal) {
  if (asked.exchange(signal) != 0) {
    remove_staged_folders();
    _exit(static_cast<int>(ExitCode::interrupted));
  }
}

}  // namespace

void handle_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
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
