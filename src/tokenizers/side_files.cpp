#include "tokenizers/side_files.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "core/error.h"
#include "core/numbers.h"
#include "tokenizers/components.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNamed[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};

bool is_named(const std::string& key) {
  return std::find(std::begin(kNamed), std::end(kNamed), key) != std::end(kNamed);
}

std::string content_of(const Json& token) {
  if (token.is_string()) return token.get<std::string>();
  const bool holds = token.is_object() && token.contains("content") && token.at("content").is_string();
  return holds ? token.at("content").get<std::string>() : "";
}

// A token as in tokenizer.json. @param special  used if the token does not say
Json token_entry(const Json& token, bool special) {
  const Json given = token.is_object() ? token : Json::object();
  special = component_flag(given, "special", special);
  return {{"content", content_of(token)},
          {"single_word", component_flag(given, "single_word", false)},
          {"lstrip", component_flag(given, "lstrip", false)},
          {"rstrip", component_flag(given, "rstrip", false)},
          {"normalized", component_flag(given, "normalized", !special)},
          {"special", special}};
}

// The settings' special tokens with custom names ("image_token") and standard names, as (name, token).
std::vector<std::pair<std::string, Json>> named_tokens(const Json& settings, const SpecialDefaults& defaults) {
  std::vector<std::pair<std::string, Json>> tokens;
  for (const char* key : kNamed) {
    const auto usual = std::find_if(defaults.begin(), defaults.end(),
                                    [&](const auto& entry) { return std::string_view(entry.first) == key; });
    if (settings.contains(key)) {
      tokens.emplace_back(key, settings.at(key));
    } else if (usual != defaults.end() && usual->second) {
      tokens.emplace_back(key, Json(*usual->second));
    }
  }
  for (const auto& [key, value] : settings.items()) {
    if (key.ends_with("_token") && !is_named(key) && value.is_string()) tokens.emplace_back(key, value);
  }
  const Json extra = settings.value("extra_special_tokens", Json());
  if (extra.is_object()) {
    for (const auto& [key, value] : extra.items()) tokens.emplace_back(key, value);
  }
  return tokens;
}

Json additional_tokens(const Json& settings) {
  const Json extra = settings.value("extra_special_tokens", Json());
  if (extra.is_array() && !extra.empty()) return extra;
  const Json additional = settings.value("additional_special_tokens", Json());
  return additional.is_array() ? additional : Json::array();
}

std::vector<Json> in_order(const std::map<std::int64_t, Json>& by_id) {
  std::vector<Json> tokens;
  for (const auto& [id, token] : by_id) tokens.push_back(token);
  return tokens;
}

[[noreturn]] void refuse_added(const fs::path& file, const std::string& token, const Json& id) {
  throw bad_input("cannot read " + file.string())
      .with("token", excerpt(token))
      .wanted("a token and its id")
      .found(excerpt(dump_json(id)));
}

std::vector<Json> tokens_of_decoder(const Json& decoder, const fs::path& file) {
  std::map<std::int64_t, Json> by_id;
  if (!decoder.is_object()) refuse_added(file, "added_tokens_decoder", decoder);
  for (const auto& [id, token] : decoder.items()) {
    const auto number = parse_whole_number(id);
    if (!number || content_of(token).empty()) refuse_added(file, dump_json(token), Json(id));
    by_id[*number] = token_entry(token, false);
  }
  return in_order(by_id);
}

std::vector<Json> tokens_of_added_file(const fs::path& file, const Json& settings) {
  std::unordered_set<std::string> special;
  for (const char* key : kNamed) special.insert(content_of(settings.value(key, Json())));
  // transformers reads only this key, not additional_special_tokens of special_tokens_map.json.
  const Json extra = settings.value("extra_special_tokens", Json());
  for (const Json& token : extra.is_array() ? extra : Json::array()) special.insert(content_of(token));
  std::map<std::int64_t, Json> by_id;
  const Json added = read_json(file);
  if (!added.is_object()) refuse_added(file, "", added);
  for (const auto& [token, id] : added.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > 10'000'000) refuse_added(file, token, id);
    by_id[id.get<std::int64_t>()] = token_entry(Json(token), special.contains(token));
  }
  return in_order(by_id);
}

void merge_special_tokens(const fs::path& file, Json& settings) {
  const Json map = read_json(file);
  if (!map.is_object()) return;
  for (const auto& [key, value] : map.items()) {
    if (key == "extra_special_tokens" && value.is_array()) {
      Json all = settings.value(key, Json());
      if (!all.is_array()) all = Json::array();
      all.insert(all.end(), value.begin(), value.end());
      settings[key] = std::move(all);
    } else if (value.is_object() && value.contains("content")) {
      settings[key] = value;
      settings[key]["special"] = true;
    } else {
      settings[key] = value;
    }
  }
}

}  // namespace

std::string special_token_content(const Json& settings, const char* key) {
  return settings.is_object() && settings.contains(key) ? content_of(settings.at(key)) : "";
}

std::string special_token_content(const SideFiles& files, const SpecialDefaults& defaults, const std::string& key) {
  for (const auto& [name, token] : named_tokens(files.settings, defaults)) {
    if (name == key) return content_of(token);
  }
  return "";
}

SideFiles read_side_files(const fs::path& folder) {
  const auto read_if_there = [&](const char* name) {
    const Json json = fs::exists(folder / name) ? read_json(folder / name) : Json::object();
    return json.is_object() ? json : Json::object();
  };
  SideFiles files{read_if_there("tokenizer_config.json"), {}, ""};
  const Json config = read_if_there("config.json");
  for (const Json& named : {files.settings, config}) {
    const Json name = named.value("tokenizer_class", Json());
    if (files.tokenizer_class.empty() && name.is_string()) files.tokenizer_class = name.get<std::string>();
  }
  if (files.tokenizer_class.ends_with("Fast")) files.tokenizer_class.resize(files.tokenizer_class.size() - 4);
  // The older name. If both files have additional tokens, those of tokenizer_config.json are used.
  Json& settings = files.settings;
  const Json extra = settings.value("extra_special_tokens", Json());
  if (settings.contains("additional_special_tokens") && (extra.is_null() || extra.empty()))
    settings["extra_special_tokens"] = settings.at("additional_special_tokens");
  if (settings.contains("added_tokens_decoder")) {
    files.added = tokens_of_decoder(settings.at("added_tokens_decoder"), folder / "tokenizer_config.json");
    return files;
  }
  if (fs::exists(folder / "special_tokens_map.json"))
    merge_special_tokens(folder / "special_tokens_map.json", settings);
  if (fs::exists(folder / "added_tokens.json"))
    files.added = tokens_of_added_file(folder / "added_tokens.json", settings);
  return files;
}

Json added_tokens_of(const SideFiles& files, const SpecialDefaults& defaults) {
  Json tokens = Json::array();
  const auto named = named_tokens(files.settings, defaults);
  std::unordered_set<std::string> names, known;
  for (const auto& [name, token] : named) names.insert(content_of(token));
  for (Json token : files.added) {
    const std::string content = token.at("content").get<std::string>();
    if (names.contains(content)) token["special"] = true;
    known.insert(content);
    tokens.push_back(std::move(token));
  }
  const auto append = [&](const Json& token) {
    const std::string content = content_of(token);
    if (content.empty() || !known.insert(content).second) return;
    Json entry = token_entry(token, true);
    // An object without "special" is an AddedToken whose text is normalised; being named makes it special.
    const bool plain_object = token.is_object() && !token.contains("special") && !token.contains("normalized");
    if (plain_object) entry["normalized"] = true;
    entry["special"] = true;
    tokens.push_back(std::move(entry));
  };
  for (const auto& [name, token] : named) append(token);
  for (const Json& token : additional_tokens(files.settings)) append(token);
  return tokens;
}

Json begin_and_end_processor(const SideFiles& files, const SpecialDefaults& defaults, const Json& vocabulary,
                             const Json& added_tokens, bool add_bos_otherwise, const std::string& where) {
  const std::string bos = special_token_content(files, defaults, "bos_token"),
                    eos = special_token_content(files, defaults, "eos_token");
  const bool add_bos = component_flag(files.settings, "add_bos_token", add_bos_otherwise) && !bos.empty();
  const bool add_eos = component_flag(files.settings, "add_eos_token", false) && !eos.empty();
  if (!add_bos && !add_eos) return nullptr;
  Json special = Json::object();
  const auto id_of = [&](const std::string& token) -> std::uint64_t {
    std::uint64_t next = vocabulary.size();
    for (const Json& added : added_tokens) {
      const auto& content = added.at("content").get_ref<const std::string&>();
      const std::uint64_t id = vocabulary.contains(content) ? vocabulary.at(content).get<std::uint64_t>() : next;
      next = std::max(next, id + 1);
      if (content == token) return id;
    }
    throw bad_input("cannot load the tokenizer of " + where).wanted("this token in its vocabulary").found(token);
  };
  const auto item = [&](const std::string& token, int type) {
    special[token] = {{"id", token}, {"ids", Json::array({id_of(token)})}, {"tokens", Json::array({token})}};
    return Json{{"SpecialToken", {{"id", token}, {"type_id", type}}}};
  };
  Json single = Json::array(), pair = Json::array();
  for (const int type : {0, 1}) {
    Json one = Json::array();
    if (add_bos) one.push_back(item(bos, type));
    one.push_back({{"Sequence", {{"id", type == 0 ? "A" : "B"}, {"type_id", type}}}});
    if (add_eos) one.push_back(item(eos, type));
    if (type == 0) single = one;
    pair.insert(pair.end(), one.begin(), one.end());
  }
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

}  // namespace lethe
