// YAML of texts that need not be UTF-8, such as file names.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

namespace lethe {

/// YAML::Dump(), except that bytes which are no UTF-8 stay as they are; the library would write U+FFFD for them. Its
/// reader takes them as they are.
std::string dump_yaml(const YAML::Node& node);

}  // namespace lethe
