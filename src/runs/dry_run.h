// The options --dry-run and --json of a command.
#pragma once

namespace lethe {

/// All checks, then the plan on standard output; nothing is written, and no weights are loaded.
struct DryRun {
  bool on = false;
  bool json = false;  ///< print the plan's figures as one JSON object
  int ranks = 0;      ///< plan for this many ranks; 0: those that were started
};

}  // namespace lethe
