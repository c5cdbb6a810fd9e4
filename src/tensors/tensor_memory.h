// The allocator of CPU tensors: it throws if memory runs out, and reuses large blocks.
#pragma once

#include <cstddef>

namespace lethe {

/// Bytes that the process's allocator holds in large blocks (64 KiB or more each).
struct TensorMemory {
  std::size_t live = 0;    // whole blocks in use
  std::size_t cached = 0;  // freed blocks, kept for reuse
  std::size_t peak = 0;    // the most that was ever live; live + cached never exceed it
};
TensorMemory tensor_memory();

/// Returns cached memory to the system, here and in the C library's heap. Called between parts of a run that use much.
void release_tensor_memory();

/// Installs Lethe's allocator for CPU tensors; it throws Error if memory runs out, where LibTorch's would end the
/// process. LibTorch's also allocates each tensor from the C library. Packs rarely have the same size twice, which
/// fragments the heap (32 MB over 10,000 steps of a small model). Here large blocks are mapped one by one and kept when
/// freed. A kept block is reused for a tensor that needs at least half of it. Blocks of 4 MB and more request huge
/// pages. May be called again.
void use_tensor_memory();

}  // namespace lethe
