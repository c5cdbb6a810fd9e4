// Loads the component that connects the ranks.
#pragma once

#include <functional>
#include <string>

#include "ranks/wire.h"

namespace lethe {

/// Opens wires: lethe_open_wire() of the component, or a stand-in of a test.
using WireOpener = std::function<Wire*(const RankPlace& place, int milliseconds, std::string& error)>;

/// LETHE_NCCL names the file of a component for ranks with a GPU each. Without it, LETHE_GLOO names that of gloo's;
/// else it is next to the program, or where it is installed. Both need the engine to be loaded.
/// @throws Error saying what to install if the component is not built
WireOpener load_wire_component();

}  // namespace lethe
