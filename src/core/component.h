// Loads an optional component of Lethe: a shared library with dependencies of its own.
#pragma once

#include <functional>
#include <string>

namespace lethe {

/// Tries the file that the environment variable names; if it is not set, the library next to the program and where it
/// is installed. A component stays loaded.
/// @param variable, library  "LETHE_PARQUET", "liblethe_parquet.so"
/// @param entry              a function that the component exports; given to `take`
/// @param take               whether the component has the wanted version
/// @return  why no component was taken, for an error ("FILE of another version"); empty: one was taken
std::string load_component(const char* variable, const char* library, const char* entry,
                           const std::function<bool(void* component, void* entry)>& take);

}  // namespace lethe
