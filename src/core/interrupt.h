// Ctrl-C: the first asks the run to stop where it is safe, the second stops at once.
#pragma once

namespace lethe {

/// Installs the handlers for SIGINT and SIGTERM. Called once by the program.
void handle_interrupts();
bool interrupted();
/// Whether Ctrl-C was pressed; and forgets it: where it stops an answer, not the program. Not so of SIGTERM.
bool take_interrupt();
/// @throws Error with ExitCode::interrupted if the user asked to stop; every progress bar calls it
void stop_if_interrupted();

}  // namespace lethe
