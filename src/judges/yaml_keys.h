// YAML of recipes and judges, from files that are not to be trusted: what the parser passes over in silence is refused.
#pragma once

#include <yaml-cpp/node/node.h>

#include <string>

namespace lethe {

/// Parses a text of one YAML document; an empty text is Null.
///
/// Refused by line, because the parser takes them silently and a reader would expect something else: a key given twice
/// in one mapping, at any depth, also if one is an alias or quoted; a merge key ("<<"), which the parser does not
/// merge; an alias within the very node it stands for; anything after the first document.
/// @param doing  begins the error: "cannot read the judge guard.yaml"
/// @throws Error (bad input)
YAML::Node load_yaml(const std::string& text, const std::string& doing);

}  // namespace lethe
