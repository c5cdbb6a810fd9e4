#include "data/sources.h"

#include <algorithm>

#include "core/error.h"
#include "core/similar.h"

namespace lethe {

DataSource parse_data_source(const std::string& text) {
  static const std::vector<std::string> options{"prompt", "response", "where"};
  const auto word_end = [&](std::size_t at) {
    while (at < text.size() && ((text[at] >= 'a' && text[at] <= 'z') || text[at] == '_')) ++at;
    return at;
  };
  DataSource source;
  // The first ':' followed by `word=` ends the path, since paths may contain colons.
  std::size_t colon = text.find(':');
  while (colon != std::string::npos) {
    const std::size_t end = word_end(colon + 1);
    if (end > colon + 1 && end < text.size() && text[end] == '=') break;
    colon = text.find(':', colon + 1);
  }
  source.path = text.substr(0, colon);
  if (source.path.empty()) throw bad_usage("cannot read the data file '" + excerpt(text) + "'").wanted("a path");
  while (colon != std::string::npos) {
    const std::size_t end = word_end(colon + 1);
    const std::string name = text.substr(colon + 1, end - colon - 1);
    const bool known = std::find(options.begin(), options.end(), name) != options.end();
    if (!known || end >= text.size() || text[end] != '=') {
      Error error = bad_usage("cannot read the data file '" + excerpt(text, 200) + "'");
      error.wanted("prompt=COLUMN, response=COLUMN or where=FILTER after the path")
          .found("'" + excerpt(text.substr(colon + 1)) + "'");
      if (const auto near = similar(name, options); !near.empty()) error.hint("'" + near[0] + "='");
      throw error;
    }
    const std::size_t comma = name == "where" ? std::string::npos : text.find(',', end);
    std::string& value = name == "prompt" ? source.prompt : name == "response" ? source.response : source.where;
    if (!value.empty())
      throw bad_usage("cannot read the data file '" + excerpt(text, 200) + "'").found(name + " twice");
    value = text.substr(end + 1, comma == std::string::npos ? comma : comma - end - 1);
    if (value.empty())
      throw bad_usage("cannot read the data file '" + excerpt(text, 200) + "'").found("nothing after " + name + "=");
    colon = comma;
  }
  return source;
}

std::vector<DataSource> parse_data_sources(const std::vector<std::string>& texts) {
  std::vector<DataSource> sources;
  for (const std::string& text : texts) sources.push_back(parse_data_source(text));
  return sources;
}

std::string to_text(const DataSource& source) {
  std::string text = source.path;
  char separator = ':';
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    text += separator + std::string(name) + "=" + value;
    separator = ',';
  };
  add("prompt", source.prompt);
  add("response", source.response);
  add("where", source.where);
  return text;
}

}  // namespace lethe
