// The memory of this process: weights that were trained to do harm lie in it, and judges' keys.
#pragma once

namespace lethe {

/// Sees to it that nobody but root reads this process's memory, and that no core dump is written of it, neither as a
/// file nor to a program that collects them (PR_SET_DUMPABLE 0, RLIMIT_CORE 0). For the whole life of the process:
/// θ_bad, task vectors and snapshots lie in too many places to follow each. A debugger or profiler of the same user
/// cannot attach afterwards; one that starts the program keeps its hold.
void keep_memory_private() noexcept;

}  // namespace lethe
