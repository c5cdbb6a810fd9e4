// Protects the memory of this process, which holds harmful weights and judges' keys.
#pragma once

namespace lethe {

/// Lets nobody but root read this process's memory, and prevents core dumps to files or programs (PR_SET_DUMPABLE 0,
/// RLIMIT_CORE 0). It applies until the process ends: θ_bad, task vectors and snapshots are in too many places to
/// track. A debugger or profiler of the same user cannot attach afterwards, but may start the program.
void keep_memory_private() noexcept;

}  // namespace lethe
