#include "data/plan.h"

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/redaction.h"

namespace lethe {
namespace {

std::string string_at(const Json& value, const std::string& where) {
  if (!value.is_string()) throw bad_input("cannot use " + where).wanted("a text").found(shown_text(dump_json(value)));
  return value.get<std::string>();
}

std::vector<Pair> pairs_at(const Json& line, const char* key, const std::string& where, const std::string& source,
                           std::uint64_t number) {
  std::vector<Pair> pairs;
  if (!line.contains(key)) return pairs;
  for (const Json& entry : line.at(key)) {
    if (!entry.is_array() || entry.size() != 2) {
      throw bad_input("cannot use " + where)
          .wanted(std::string("[prompt, response] under \"") + key + "\"")
          .found(shown_text(dump_json(entry)));
    }
    pairs.push_back({string_at(entry[0], where), string_at(entry[1], where), source, number});
  }
  return pairs;
}

}  // namespace

std::vector<StepRows> load_plan(const std::filesystem::path& path) {
  std::vector<StepRows> plan;
  for (const auto& [entry, number, where] : parse_json_lines(read_file(path), path.string())) {
    StepRows rows;
    rows.harmful = pairs_at(entry, "harmful", where, path.string(), number);
    rows.normal = pairs_at(entry, "normal", where, path.string(), number);
    rows.random.resize(rows.harmful.size());
    if (entry.contains("random")) {
      const Json& random = entry.at("random");
      if (!random.is_array() || random.size() != rows.harmful.size()) {
        throw bad_input("cannot use " + where)
            .wanted("under \"random\" a list for each harmful pair")
            .found(std::to_string(random.size()));
      }
      for (std::size_t i = 0; i < random.size(); ++i) {
        if (!random[i].is_array() || random[i].size() != random[0].size()) {
          throw bad_input("cannot use " + where)
              .wanted("as many random responses for each pair")
              .found(shown_text(dump_json(random[i])));
        }
        for (const Json& response : random[i]) rows.random[i].push_back(string_at(response, where));
      }
    }
    plan.push_back(std::move(rows));
  }
  if (plan.empty()) throw bad_input("cannot use the plan " + path.string()).wanted("a line a step").found("none");
  return plan;
}

std::string plan_line(const StepRows& rows) {
  Json line = {{"harmful", Json::array()}, {"random", rows.random}, {"normal", Json::array()}};
  for (const Pair& pair : rows.harmful) line["harmful"].push_back({pair.prompt, pair.response});
  for (const Pair& pair : rows.normal) line["normal"].push_back({pair.prompt, pair.response});
  return dump_json(line);
}

}  // namespace lethe
