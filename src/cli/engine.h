// The tensor engine takes a quarter of a second to load: it is loaded by what computes, not by --help or inspect.
#pragma once

#include <functional>

namespace lethe {

/// What loads the engine and everything that is built on it; the program sets it. Where none is set (tests, a program
/// that is linked to all of Lethe) there is nothing to load.
void set_engine_loader(std::function<void()> loader);

/// Called before anything of the layers that see tensors (vectors and above, but for cli) is used. Loads once.
/// @throws Error if the engine cannot be loaded
void need_engine();

}  // namespace lethe
