// Requests to stop: Ctrl-C, a lost connection (SIGHUP), a scheduler's notice (SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU).
#pragma once

#include <string>

namespace lethe {

class Error;

/// From here on a thread of its own takes SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU; no other
/// thread is disturbed by them. The first one asks the run to stop where it is safe. A second one from the keyboard
/// (SIGINT, SIGQUIT) stops at once; others may be repeated. SIGHUP and the like stay ignored if they were (nohup).
/// SIGPIPE and SIGXFSZ are ignored: the write fails instead. Called once by the program, before any other thread is
/// started: threads inherit what they block.
void handle_interrupts();
bool interrupted();
/// Whether Ctrl-C was pressed; and forgets it: where it stops an answer, not the program. Not so of other signals.
bool take_interrupt();
/// With ExitCode::interrupted (130, whatever the signal); names the signal unless it came from the keyboard.
Error interrupted_error(const std::string& doing);
/// @throws Error with ExitCode::interrupted if the user asked to stop; every progress bar calls it
void stop_if_interrupted();

/// From here on `clean_up` is called where the process ends at once: after a second Ctrl-C, or when a page of a mapped
/// file is lost. A signal handler may call it, on any thread. There is one such function: a later call replaces it.
void clean_up_on_sudden_end(void (*clean_up)() noexcept);
/// From here on `name` tells the message about a lost page which file the address lies in; nullptr if none that it
/// knows. A signal handler calls it. There is one such function: a later call replaces it.
void name_lost_pages(const char* (*name)(const void* address) noexcept);

}  // namespace lethe
