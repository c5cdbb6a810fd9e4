// Writes YAML from texts that need not be UTF-8, such as file names.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

namespace lethe {

/// YAML::Dump(), except that bytes that are not UTF-8 stay as they are. yaml-cpp would write U+FFFD for them; its
/// reader keeps them.
std::string dump_yaml(const YAML::Node& node);
/// The same on one line: "[q_proj, v_proj]".
std::string yaml_line(YAML::Node node);

}  // namespace lethe
