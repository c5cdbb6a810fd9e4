// Loads the tensor engine on demand, which takes a quarter of a second. Commands that compute load it; --help and
// inspect do not.
#pragma once

#include <functional>

namespace lethe {

/// Sets the function that loads the engine. The program calls this at its start. Without a loader (in tests, or in a
/// program that is linked to all of Lethe) need_engine() does nothing.
void set_engine_loader(std::function<void()> loader);

/// Loads the engine on the first call. Call it before using a layer that needs tensors (vectors and above, except cli).
/// @throws Error if the engine cannot be loaded
void need_engine();

}  // namespace lethe
