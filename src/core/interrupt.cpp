#include "core/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "core/error.h"
#include "core/files.h"

namespace lethe {
namespace {

std::atomic<bool> asked{false};

void on_signal(int) {
  if (asked.exchange(true)) {
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
  return asked.load();
}

void stop_if_interrupted() {
  if (interrupted())
    throw Error("interrupted; nothing was written, and inputs are as they were", ExitCode::interrupted);
}

}  // namespace lethe
