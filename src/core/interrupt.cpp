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

// Files are read through memory maps: where the disk fails or the file was cut meanwhile, the system sends this.
void on_lost_page(int) {
  constexpr char text[] =
      "lethe: cannot read a file that is mapped into memory\n  found  it became shorter, or the disk failed\n"
      "  try    check the inputs, and leave them alone while lethe reads them\n";
  (void)!::write(STDERR_FILENO, text, sizeof text - 1);
  remove_staged_folders();
  _exit(static_cast<int>(ExitCode::failed));
}

}  // namespace

void handle_interrupts() {
  std::signal(SIGBUS, on_lost_page);
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
