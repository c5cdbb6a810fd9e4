// What several subcommands share: reading and writing JSON lines, and the options that mean the same everywhere.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "vectors/apply_adapter.h"

namespace lethe {

/// One line of a JSON-lines file, with where it stands ("input.jsonl, line 7").
struct JsonLine {
  Json value;
  std::string where;
};

/// Reads objects, one a line; empty lines are passed over. "-" is standard input.
/// @throws Error (bad input) naming the line that is no object
std::vector<JsonLine> read_json_lines(const std::string& path);

/// A text under `key`. @throws Error (bad input) naming the line if it is missing or no text
std::string text_of(const JsonLine& line, const char* key);
/// Token ids under "ids", each in [0, vocabulary). @throws Error (bad input) naming the line
std::vector<int> ids_of(const JsonLine& line, std::int64_t vocabulary);

/// Adapters named on the command line, "DIR" or "DIR:0.5".
struct OpenAdapters {
  std::vector<std::unique_ptr<Adapter>> adapters;
  std::vector<WeightedAdapter> weighted;
};
OpenAdapters open_adapters(const std::vector<std::string>& names);

}  // namespace lethe
