// Reads the YAML of recipes and judges from untrusted files, and refuses what the parser silently accepts.
#pragma once

#include <yaml-cpp/node/node.h>

#include <string>

namespace lethe {

/// Parses one YAML document; an empty text is Null.
///
/// Refuses, with the line, what the parser silently accepts but readers do not expect: a repeated key in one mapping,
/// at any depth, even if one is an alias or quoted; a merge key ("<<"), which the parser does not merge; an alias
/// within its own node; anything after the first document.
/// @param doing  the beginning of the error: "cannot read the judge guard.yaml"
/// @throws Error (bad input)
YAML::Node load_yaml(const std::string& text, const std::string& doing);

}  // namespace lethe
