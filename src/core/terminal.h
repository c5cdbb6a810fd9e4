// Terminal output: messages and a progress bar on stderr, results on stdout.
#pragma once

#include <cstdint>
#include <string>

#include "core/messages.h"

namespace lethe {

struct TerminalOptions {
  bool quiet = false;     ///< --quiet leaves errors, warnings and results
  bool json_log = false;  ///< --json-log: events as lines of JSON on stderr (core/json_log.h)
};
/// Makes the terminal the observer (core/messages.h). The command line calls it first, and again when the options are
/// known.
///
/// Messages, warnings ("warning: …") and failures ("lethe: …") are lines on stderr, results are printed to stdout. A
/// progress bar has a rate and an ETA (bytes are shown as MB). It is redrawn in place on a terminal; elsewhere it is a
/// plain line every few seconds. It is not shown for work that ends within a second. On a terminal the labels
/// "warning:" and "lethe:" are colored, unless NO_COLOR is set (no-color.org) or TERM is "dumb".
///
/// All messages pass through terminal_text(), so that paths, names from files and server messages cannot control the
/// terminal. Results are printed as they are: the tables within them went through it.
void configure_terminal(const TerminalOptions& options);
/// The options that were set last.
TerminalOptions terminal_options();
/// Reports that memory ran out, without using any.
void print_out_of_memory();

/// Resident memory of this process now / at its peak, bytes.
std::uint64_t resident_bytes();
std::uint64_t peak_resident_bytes();
/// Memory that this process can still use before the system kills one: free or reclaimable memory and swap, within the
/// limit of its control group, bytes.
std::uint64_t available_bytes();

/// 75 s -> "1:15", 3700 s -> "1:01:40"
std::string duration_text(double seconds);

}  // namespace lethe
