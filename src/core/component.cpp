#include "core/component.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "core/error.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> places_of(const char* variable, const char* library) {
  if (const char* given = std::getenv(variable); given != nullptr && *given != 0) return {given};
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none).parent_path();
  return {program / library, program / ".." / library, program / ".." / "lib" / "lethe" / library};
}

}  // namespace

std::string load_component(const char* variable, const char* library, const char* entry,
                           const std::function<bool(void* component, void* entry)>& take) {
  std::string reason = std::string("the component ") + library + ", which is not built here";
  for (const fs::path& place : places_of(variable, library)) {
    if (!fs::exists(place)) continue;
    void* component = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* found = component != nullptr ? dlsym(component, entry) : nullptr;
    if (found == nullptr) {
      const char* why = dlerror();
      reason = place.string() + ", which cannot be loaded: " + excerpt(why != nullptr ? why : "no entry", 300);
      continue;
    }
    if (take(component, found)) return "";
    reason = place.string() + " of another version";
  }
  return reason;
}

}  // namespace lethe
