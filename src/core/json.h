// Parses JSON from untrusted files, with the file's name, line and column in the error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lethe {

using Json = nlohmann::json;
/// Keeps the order in which keys were written.
using OrderedJson = nlohmann::ordered_json;

/// Parses one JSON text. Nesting deeper than `max_depth` and duplicate keys of one object are refused.
/// @param where  named in the error, e.g. "config.json" or "data.jsonl, line 7"
/// @throws Error (bad input) with the byte position of the first mistake
Json parse_json(std::string_view text, const std::string& where, int max_depth = 64);

/// Reads and parses a whole file. @throws Error if it cannot be read or is not JSON
Json read_json(const std::filesystem::path& path, int max_depth = 64);

/// The text under a key of an object, in a file that may be damaged or edited.
/// @param where  the file, for the error
/// @throws Error (bad input) naming the file and the key if it is missing or of another kind
std::string json_text(const Json& object, const std::string& key, const std::string& where);
double json_number(const Json& object, const std::string& key, const std::string& where);
/// A whole number from 0 to `most`.
std::int64_t json_count(const Json& object, const std::string& key, const std::string& where,
                        std::int64_t most = std::int64_t{1} << 53);
const Json& json_list(const Json& object, const std::string& key, const std::string& where);
const Json& json_object(const Json& object, const std::string& key, const std::string& where);

/// Stores bytes that may not be UTF-8, such as a path: as text, and if that loses bytes also as hexadecimal under
/// KEY_bytes.
void put_bytes(OrderedJson& object, const std::string& key, const std::string& bytes);
/// The inverse of put_bytes(). @throws Error (bad input) naming the file and the key
std::string json_bytes(const Json& object, const std::string& key, const std::string& where);

/// One line of a JSON-lines text.
struct JsonLine {
  Json value;
  std::uint64_t number = 0;  ///< of the line, from 1
  std::string where;         ///< "input.jsonl, line 7"
};

/// Parses one object per line; skips empty lines. For data files, which may be large or partly broken, use RowReader.
/// @param name  of the file, for errors
/// @throws Error (bad input) naming the line that is not an object
std::vector<JsonLine> parse_json_lines(std::string_view text, const std::string& name);

/// Serialises; invalid UTF-8 becomes U+FFFD instead of an exception.
std::string dump_json(const Json& value, int indent = -1);
std::string dump_json(const OrderedJson& value, int indent = -1);

}  // namespace lethe
