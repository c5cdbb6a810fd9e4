#include "core/json.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/redaction.h"
#include "core/utf8.h"

namespace lethe {
namespace {

/// The keys of one object. A vocabulary may have 100,000 of them: above a limit only their hashes are kept, and
/// compared at the end.
class Keys {
 public:
  /// false if the key is already known to be a duplicate
  bool add(const std::string& name) {
    if (few_.size() < 64) return few_.insert(name).second;
    hashes_.push_back(std::hash<std::string>{}(name));
    return !few_.contains(name);
  }
  bool any_twice() {
    std::sort(hashes_.begin(), hashes_.end());
    return std::adjacent_find(hashes_.begin(), hashes_.end()) != hashes_.end();
  }

 private:
  std::unordered_set<std::string> few_;
  std::vector<std::size_t> hashes_;
};

/// nlohmann's own DOM builder, stopped at the first duplicate key or at too deep a nesting.
class StrictBuilder : public nlohmann::detail::json_sax_dom_parser<Json> {
  using Base = nlohmann::detail::json_sax_dom_parser<Json>;

 public:
  StrictBuilder(Json& root, int max_depth) : Base(root, false), max_depth_(max_depth) {}

  bool start_object(std::size_t elements) {
    keys_.emplace_back();
    return deeper() && Base::start_object(elements);
  }
  bool key(std::string& name) {
    if (!keys_.back().add(name)) {
      problem = "the key \"" + excerpt(name) + "\" twice in one object";
      return false;
    }
    return Base::key(name);
  }
  bool end_object() {
    if (keys_.back().any_twice()) {
      problem = "a key twice in an object of many";
      return false;
    }
    keys_.pop_back();
    --depth_;
    return Base::end_object();
  }
  bool start_array(std::size_t elements) { return deeper() && Base::start_array(elements); }
  bool end_array() {
    --depth_;
    return Base::end_array();
  }
  template <class Exception>
  bool parse_error(std::size_t position, const std::string&, const Exception& error) {
    std::string text = error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 5: …"
    // What was read last may be a whole prompt.
    if (texts_are_redacted()) text = text.substr(0, text.find("; last read"));
    const auto at = text.find("] ");
    problem =
        excerpt(at == std::string::npos ? text : text.substr(at + 2), 200) + " (byte " + std::to_string(position) + ")";
    return false;
  }

  std::string problem;

 private:
  bool deeper() {
    if (++depth_ <= max_depth_) return true;
    problem = "objects or arrays nested more than " + std::to_string(max_depth_) + " deep";
    return false;
  }
  int max_depth_;
  int depth_ = 0;
  std::vector<Keys> keys_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& where, int max_depth) {
  Json root;
  StrictBuilder builder(root, max_depth);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    throw bad_input("cannot read " + where + " as JSON").found(builder.problem.empty() ? "no JSON" : builder.problem);
  }
  return root;
}

Json read_json(const std::filesystem::path& path, int max_depth) {
  return parse_json(read_file(path), path.string(), max_depth);
}

namespace {

const Json& json_under(const Json& object, const std::string& key, const std::string& where, const char* wanted,
                       bool (*fits)(const Json&)) {
  Error error = bad_input("cannot use " + where).with("key", excerpt(key)).wanted(wanted);
  if (!object.is_object() || !object.contains(key))
    throw error.found(object.is_object() ? "no such key" : excerpt(dump_json(object)));
  const Json& value = object.at(key);
  if (!fits(value)) throw error.found(excerpt(dump_json(value)));
  return value;
}

}  // namespace

std::string json_text(const Json& object, const std::string& key, const std::string& where) {
  return json_under(object, key, where, "a text", [](const Json& value) { return value.is_string(); })
      .get<std::string>();
}

double json_number(const Json& object, const std::string& key, const std::string& where) {
  return json_under(object, key, where, "a number", [](const Json& value) { return value.is_number(); }).get<double>();
}

std::int64_t json_count(const Json& object, const std::string& key, const std::string& where, std::int64_t most) {
  const Json& value = json_under(object, key, where, "a whole number of at least 0",
                                 [](const Json& value) { return value.is_number_unsigned(); });
  if (value.get<std::uint64_t>() <= static_cast<std::uint64_t>(most)) return value.get<std::int64_t>();
  throw bad_input("cannot use " + where)
      .with("key", excerpt(key))
      .wanted("at most " + std::to_string(most))
      .found(dump_json(value));
}

const Json& json_list(const Json& object, const std::string& key, const std::string& where) {
  return json_under(object, key, where, "a list", [](const Json& value) { return value.is_array(); });
}

const Json& json_object(const Json& object, const std::string& key, const std::string& where) {
  return json_under(object, key, where, "an object", [](const Json& value) { return value.is_object(); });
}

void put_bytes(OrderedJson& object, const std::string& key, const std::string& bytes) {
  object[key] = valid_utf8(bytes);
  if (object[key] == bytes) return;
  std::string digits;
  for (const char byte : bytes) {
    constexpr char hex[] = "0123456789abcdef";
    const auto value = static_cast<unsigned char>(byte);
    digits += {hex[value / 16], hex[value % 16]};
  }
  object[key + "_bytes"] = digits;
}

std::string json_bytes(const Json& object, const std::string& key, const std::string& where) {
  std::string text = json_text(object, key, where);
  if (!object.contains(key + "_bytes")) return text;
  const std::string digits = json_text(object, key + "_bytes", where);
  std::string bytes;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    unsigned value = 0;
    const char* const end = digits.data() + std::min(at + 2, digits.size());
    if (std::from_chars(digits.data() + at, end, value, 16).ptr != end ||
        end - digits.data() != static_cast<long>(at) + 2)
      throw bad_input("cannot use " + where)
          .with("key", key + "_bytes")
          .wanted("hexadecimal bytes")
          .found(excerpt(digits));
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::vector<JsonLine> parse_json_lines(std::string_view text, const std::string& name) {
  std::vector<JsonLine> lines;
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    at += line.size() + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = name + ", line " + std::to_string(number);
    Json value = parse_json(line, where);
    if (!value.is_object()) throw bad_input("cannot use " + where).wanted("a JSON object").found(excerpt(line));
    lines.push_back({std::move(value), number, where});
  }
  return lines;
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}
std::string dump_json(const OrderedJson& value, int indent) {
  return value.dump(indent, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace lethe
