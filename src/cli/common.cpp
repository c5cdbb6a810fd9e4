#include "cli/common.h"

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include "core/error.h"
#include "core/files.h"

namespace lethe {

std::vector<JsonLine> read_json_lines(const std::string& path) {
  const std::string text = path == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : read_file(path);
  std::vector<JsonLine> lines;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = path + ", line " + std::to_string(number);
    Json value = parse_json(line, where);
    if (!value.is_object()) throw bad_input("cannot use " + where).wanted("a JSON object").found(excerpt(line));
    lines.push_back({std::move(value), where});
  }
  return lines;
}

std::string text_of(const JsonLine& line, const char* key) {
  if (!line.value.contains(key) || !line.value.at(key).is_string()) {
    throw bad_input("cannot use " + line.where)
        .wanted(std::string("text under \"") + key + "\"")
        .found(excerpt(dump_json(line.value)));
  }
  return line.value.at(key).get<std::string>();
}

std::vector<int> ids_of(const JsonLine& line, std::int64_t vocabulary) {
  std::vector<int> ids;
  const Json& list = line.value.at("ids");
  if (!list.is_array())
    throw bad_input("cannot use " + line.where).wanted("a list under \"ids\"").found(excerpt(dump_json(list)));
  for (const Json& id : list) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= vocabulary) {
      throw bad_input("cannot use " + line.where)
          .wanted("token ids from 0 to " + std::to_string(vocabulary - 1))
          .found(excerpt(dump_json(id)));
    }
    ids.push_back(id.get<int>());
  }
  return ids;
}

OpenAdapters open_adapters(const std::vector<std::string>& names) {
  OpenAdapters result;
  for (const std::string& name : names) {
    std::string folder = name;
    double factor = 1.0;
    const std::size_t colon = name.rfind(':');
    if (!std::filesystem::exists(name) && colon != std::string::npos) {
      const std::string number = name.substr(colon + 1);
      char* end = nullptr;
      factor = std::strtod(number.c_str(), &end);
      if (number.empty() || *end != 0 || !std::isfinite(factor)) {
        throw bad_usage("cannot read --adapter " + excerpt(name, 200)).wanted("DIR or DIR:weight");
      }
      folder = name.substr(0, colon);
    }
    result.adapters.push_back(std::make_unique<Adapter>(folder));
    result.weighted.push_back({result.adapters.back().get(), factor});
  }
  return result;
}

}  // namespace lethe
