#include "ranks/wire_component.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "core/error.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> places_of_component() {
  if (const char* given = std::getenv("LETHE_GLOO"); given != nullptr && *given != 0) return {given};
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none).parent_path();
  const char* name = "liblethe_gloo.so";
  return {program / name, program / ".." / name, program / ".." / "lib" / "lethe" / name};
}

}  // namespace

WireOpener load_wire_component() {
  std::string reason = "the component liblethe_gloo.so, which is not built here";
  for (const fs::path& place : places_of_component()) {
    if (!fs::exists(place)) continue;
    void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* version = library != nullptr ? dlsym(library, "lethe_wire_version") : nullptr;
    void* open = library != nullptr ? dlsym(library, "lethe_open_wire") : nullptr;
    if (version == nullptr || open == nullptr) {
      const char* why = dlerror();
      reason = place.string() + ", which cannot be loaded: " + excerpt(why != nullptr ? why : "no entry", 300);
      continue;
    }
    if (reinterpret_cast<int (*)()>(version)() == kWireVersion)
      return reinterpret_cast<Wire* (*)(const RankPlace&, int, std::string&)>(open);
    reason = place.string() + " of another version";
  }
  throw Error("cannot compute with several processes")
      .with("needs", reason)
      .hint("apt-get install libgloo-dev, then make build: gloo's headers are all that is missing");
}

}  // namespace lethe
