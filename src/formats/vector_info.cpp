#include "formats/vector_info.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "core/join.h"
#include "core/json.h"
#include "formats/checkpoint.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kVectorFormat = "lethe task vector";
constexpr const char* kCombinedFormat = "lethe checkpoint of task vectors";

// An object of this format and version. Later versions may mean other arithmetic.
Json read_versioned(const fs::path& file, const std::string& format) {
  Json json = read_json(file);
  if (!json.is_object() || json.value("format", Json()) != format || json.value("version", Json()) != 1) {
    throw bad_input("cannot read " + file.string())
        .wanted("\"format\": \"" + format + "\", \"version\": 1")
        .found(json.is_object() ? "format " + excerpt(dump_json(json.value("format", Json()))) + ", version " +
                                      excerpt(dump_json(json.value("version", Json())))
                                : "no JSON object");
  }
  return json;
}

bool json_flag(const Json& object, const std::string& key, const std::string& where) {
  const Json value = object.value(key, Json());
  if (value.is_boolean()) return value.get<bool>();
  throw bad_input("cannot read " + where)
      .with("key", key)
      .wanted("true or false")
      .found(value.is_null() ? "nothing" : excerpt(dump_json(value)));
}

}  // namespace

bool is_vector_folder(const fs::path& folder) {
  return fs::is_regular_file(folder / "vector.json");
}

VectorInfo read_vector_info(const fs::path& folder) {
  const fs::path file = folder / "vector.json";
  if (!fs::exists(file)) {
    throw bad_input("cannot open the vector " + excerpt(folder.string(), 300))
        .wanted("a folder of `lethe vector extract`, with vector.json")
        .found(!fs::exists(folder)         ? "no such folder"
               : !fs::is_directory(folder) ? "a file"
                                           : "no vector.json")
        .hint("lethe vector extract --base DIR --tuned DIR --out VECTOR makes one");
  }
  refuse_links_out_of(folder);
  const std::string where = file.string();
  const Json json = read_versioned(file, kVectorFormat);
  const std::string word = json_text(json, "kind", where);
  const std::optional<VectorKind> kind = from_word<VectorKind>(word);
  if (!kind) {
    throw bad_input("cannot read " + where)
        .with("key", "kind")
        .wanted(join(all_words<VectorKind>(), " or "))
        .found(excerpt(word));
  }
  VectorInfo info{.kind = *kind};
  const Json& base = json_object(json, "base", where);
  info.base = json_text(base, "name", where);
  info.base_hash = json_text(base, "hash", where);
  info.hash = json_text(json, "hash", where);
  info.made_from = json_text(json, "made_from", where);
  info.harmful = json_flag(json, "harmful", where);
  info.harmful_because = json_text(json, "harmful_because", where);
  info.unties_head = json_flag(json, "unties_head", where);
  info.made = json_text(json, "made", where);
  info.lethe = json_text(json, "lethe", where);
  return info;
}

void write_vector_info(const VectorInfo& info, const fs::path& folder, Access access) {
  const OrderedJson json = {{"format", kVectorFormat},
                            {"version", 1},
                            {"kind", word_of(info.kind)},
                            {"base", {{"name", info.base}, {"hash", info.base_hash}}},
                            {"hash", info.hash},
                            {"made_from", info.made_from},
                            {"harmful", info.harmful},
                            {"harmful_because", info.harmful_because},
                            {"unties_head", info.unties_head},
                            {"made", info.made},
                            {"lethe", info.lethe}};
  write_file(folder / "vector.json", dump_json(json, 2) + "\n", access);
}

bool adds_harm(const CombinedInfo& info) {
  return info.base_harmful || std::any_of(info.terms.begin(), info.terms.end(),
                                          [](const VectorTerm& term) { return term.harmful && term.weight > 0; });
}

std::optional<CombinedInfo> read_combined_info(const fs::path& folder) {
  const fs::path file = folder / "vectors.json";
  if (!fs::is_regular_file(file)) return std::nullopt;
  const std::string where = file.string();
  const Json json = read_versioned(file, kCombinedFormat);
  const Json& base = json_object(json, "base", where);
  CombinedInfo info{json_text(base, "name", where), json_text(base, "hash", where), json_text(json, "hash", where), {}};
  info.base_harmful = base.contains("harmful") && json_flag(base, "harmful", where);
  for (const Json& term : json_list(json, "vectors", where)) {
    if (!term.is_object())
      throw bad_input("cannot read " + where).with("key", "vectors").wanted("objects").found(excerpt(dump_json(term)));
    info.terms.push_back({json_text(term, "name", where), json_text(term, "hash", where),
                          json_number(term, "weight", where), json_flag(term, "harmful", where)});
  }
  return info;
}

void write_combined_info(const CombinedInfo& info, const fs::path& folder, Access access) {
  OrderedJson json = {{"format", kCombinedFormat},
                      {"version", 1},
                      {"base", {{"name", info.base}, {"hash", info.base_hash}}},
                      {"hash", info.hash},
                      {"vectors", OrderedJson::array()}};
  if (info.base_harmful) json["base"]["harmful"] = true;
  for (const VectorTerm& term : info.terms)
    json["vectors"].push_back(
        {{"name", term.name}, {"hash", term.hash}, {"weight", term.weight}, {"harmful", term.harmful}});
  write_file(folder / "vectors.json", dump_json(json, 2) + "\n", access);
}

}  // namespace lethe
