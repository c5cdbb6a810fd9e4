// Memory of tensors on the CPU: an allocation that fails is an error, and large blocks are used again.
#pragma once

#include <cstddef>

namespace lethe {

/// What the allocator of this process holds in large blocks (64 KiB or more each), in bytes.
struct TensorMemory {
  std::size_t live = 0;    // blocks in use, whole
  std::size_t cached = 0;  // blocks to be used again
  std::size_t peak = 0;    // the most that was ever live; live + cached never exceed it
};
TensorMemory tensor_memory();

/// Gives the system back what is cached, here and in the C library's heap: between parts of a run that hold much.
void release_tensor_memory();

/// From here on the engine's tensors on the CPU are made by an allocator of ours. The engine's own ends the process
/// where there is no memory, and asks the C library for each tensor: packs hardly ever have the same size twice, and
/// what they leave in a heap are holes that do not fit the next (32 MB over 10,000 steps of a small model). Large
/// blocks are mapped one by one here, kept when they are freed, and taken again for a tensor that needs no less than
/// half of them; those of 4 MB and more ask for huge pages. May be called again.
/// A tensor that finds no memory throws Error.
void use_tensor_memory();

}  // namespace lethe
