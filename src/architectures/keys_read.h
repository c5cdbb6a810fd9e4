// The keys of a config.json that transformers reads: a table made from its sources
// (tools/fixtures/config_keys_read.py).
#pragma once

#include <map>
#include <set>
#include <string>

namespace lethe {

/// Keys that transformers' common code may read, whatever the family.
const std::set<std::string>& keys_read_by_all();
/// Generation settings: they change no log-probability, and Lethe's decoding has its own.
const std::set<std::string>& keys_of_generation();
/// model_type -> the additional keys that its own code reads.
const std::map<std::string, std::set<std::string>>& keys_read_by_family();
/// model_type -> the auto_map name of the family's own code: "FILE.CLASS".
const std::map<std::string, std::set<std::string>>& code_by_family();
/// model_type -> (second name of a key, its name): transformers' attribute_map.
const std::map<std::string, std::map<std::string, std::string>>& second_names();

}  // namespace lethe
