// Ctrl-C: the first asks the run to stop where it is safe, the second stops at once.
#pragma once

namespace lethe {

/// From here on SIGINT and SIGTERM are taken by a thread of their own, and no other thread is disturbed by them. Called
/// once by the program, before any other thread is started: threads inherit what they block.
void handle_interrupts();
bool interrupted();
/// Whether Ctrl-C was pressed; and forgets it: where it stops an answer, not the program. Not so of SIGTERM.
bool take_interrupt();
/// @throws Error with ExitCode::interrupted if the user asked to stop; every progress bar calls it
void stop_if_interrupted();

}  // namespace lethe
