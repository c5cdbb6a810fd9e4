// Stop requests: Ctrl-C, a lost connection (SIGHUP), a scheduler (SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU).
#pragma once

#include <filesystem>
#include <string>

#include "core/error.h"

namespace lethe {

/// Starts a thread that takes SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU; all other threads block
/// them. The first signal requests a stop at the next safe point. A second one from the keyboard (SIGINT, SIGQUIT) ends
/// the process at once; the others may be repeated. SIGHUP and the others stay ignored if they were (nohup). SIGPIPE
/// and SIGXFSZ are ignored: the write fails instead. Call it once, before any other thread starts: threads inherit the
/// signal mask.
void handle_interrupts();
bool interrupted();
/// Requests a stop at the next safe point, as a signal does. For a run that lost one of its processes (ranks/).
void request_stop();
/// Whether Ctrl-C was pressed. Clears the request: use it where Ctrl-C stops an answer, not the program. Other signals
/// stay pending.
bool take_interrupt();
/// Whether the stop that was requested came from the keyboard (Ctrl-C), not from the system, a scheduler or the
/// program.
bool interrupted_by_keyboard();
/// An Error with ExitCode::interrupted (130 for every signal). It names the signal unless it came from the keyboard.
Error interrupted_error(const std::string& doing);
/// @throws Error with ExitCode::interrupted if a stop was requested; every progress bar calls it
void stop_if_interrupted();

/// Calls work that the same command can continue. @throws Error as it; of an interrupt, one that says what is kept
/// @param kept  called then: "the downloaded files are kept"; empty: nothing is
template <typename Kept, typename Work>
auto going_on_later(const Kept& kept, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    const std::string what = error.code() == ExitCode::interrupted ? kept() : "";
    if (what.empty()) throw;
    throw interrupted_error("interrupted; " + what).hint("the same command goes on from there");
  }
}
/// For work that stores each finished part as FOLDER/….json: "3 finished parts are kept in FOLDER"; empty: none is.
std::string kept_parts(const std::filesystem::path& folder, const std::string& part);

/// Sets the function to call when the process ends at once: after a second Ctrl-C, or when a page of a mapped file is
/// lost. A signal handler may call it, on any thread. A later call replaces the function.
void clean_up_on_sudden_end(void (*clean_up)() noexcept);
/// Sets the function that names the file of an address, for the message about a lost page; it returns nullptr if
/// unknown. A signal handler calls it. A later call replaces the function.
void name_lost_pages(const char* (*name)(const void* address) noexcept);

}  // namespace lethe
