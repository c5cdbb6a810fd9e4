// Loads the component that connects the ranks.
#pragma once

#include <functional>
#include <string>

#include "ranks/wire.h"

namespace lethe {

/// Opens wires: lethe_open_wire() of the component, or a stand-in of a test.
using WireOpener = std::function<Wire*(const RankPlace& place, int milliseconds, std::string& error)>;

/// LETHE_GLOO names the component's file; else it is next to the program, or where it is installed. It needs the engine
/// to be loaded.
/// @throws Error saying what to install if the component is not built
WireOpener load_wire_component();

}  // namespace lethe
