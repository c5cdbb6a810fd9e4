#include "ranks/wire_component.h"

#include <dlfcn.h>

#include <cstdlib>

#include "core/component.h"
#include "core/error.h"

namespace lethe {

WireOpener load_wire_component() {
  WireOpener opener;
  const char* given = std::getenv("LETHE_NCCL");
  const bool nccl = given != nullptr && *given != 0;
  const std::string missing =
      load_component(nccl ? "LETHE_NCCL" : "LETHE_GLOO", nccl ? "liblethe_nccl.so" : "liblethe_gloo.so",
                     "lethe_wire_version", [&](void* component, void* version) {
                       void* open = dlsym(component, "lethe_open_wire");
                       if (open == nullptr || reinterpret_cast<int (*)()>(version)() != kWireVersion) return false;
                       opener = reinterpret_cast<Wire* (*)(const RankPlace&, int, std::string&)>(open);
                       return true;
                     });
  if (missing.empty()) return opener;
  throw Error("cannot compute with several processes")
      .with("needs", missing)
      .hint(nccl ? "cmake -DLETHE_NCCL=ON builds it; without LETHE_NCCL the ranks use gloo"
                 : "apt-get install libgloo-dev, then make build: gloo's headers are all that is missing");
}

}  // namespace lethe
