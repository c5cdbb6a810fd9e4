#include "text/gpt2_files.h"

#include <map>

#include "core/error.h"
#include "core/files.h"
#include "text/components.h"

namespace lethe {
namespace {

Json read_merges(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  Json merges = Json::array();
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    std::string line = text.substr(at, end - at);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty() && !line.starts_with("#version")) merges.push_back(line);
    at = end + 1;
  }
  return merges;
}

}  // namespace

std::string special_token_content(const Json& settings, const char* key) {
  if (!settings.is_object() || !settings.contains(key)) return "";
  const Json& value = settings.at(key);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value.at("content").is_string()) {
    return value.at("content").get<std::string>();
  }
  return "";
}

Json tokenizer_of_gpt2_files(const std::filesystem::path& folder, const Json& settings, const Json& config) {
  const Json vocabulary = read_json(folder / "vocab.json");
  const bool opt = config.is_object() && config.value("model_type", Json()) == "opt";
  const bool add_bos = component_flag(settings.is_object() ? settings : Json::object(), "add_bos_token", opt);
  const bool prefix_space = component_flag(settings.is_object() ? settings : Json::object(), "add_prefix_space", false);
  const std::string usual = opt ? "</s>" : "<|endoftext|>";

  std::map<unsigned, Json> added;
  const auto add = [&](const std::string& content, const Json& source) {
    if (content.empty() || !vocabulary.contains(content) || !vocabulary.at(content).is_number_unsigned()) return;
    const auto id = vocabulary.at(content).get<unsigned>();
    const auto flag = [&](const char* key) { return source.is_object() && component_flag(source, key, false); };
    added[id] = {{"id", id},
                 {"content", content},
                 {"single_word", flag("single_word")},
                 {"lstrip", flag("lstrip")},
                 {"rstrip", flag("rstrip")},
                 {"normalized", true},
                 {"special", true}};
  };
  std::string bos = special_token_content(settings, "bos_token");
  if (bos.empty()) bos = usual;
  for (const char* key : {"bos_token", "eos_token", "unk_token", "pad_token"}) {
    std::string content = special_token_content(settings, key);
    if (content.empty() && std::string(key) != "pad_token") content = usual;
    add(content, settings.is_object() && settings.contains(key) ? settings.at(key) : Json());
  }

  Json spec = {{"normalizer", nullptr},
               {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", prefix_space}, {"use_regex", true}}},
               {"post_processor", nullptr},
               {"decoder", {{"type", "ByteLevel"}}},
               {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", read_merges(folder / "merges.txt")}}},
               {"added_tokens", Json::array()}};
  for (const auto& [id, token] : added) spec["added_tokens"].push_back(token);
  if (add_bos) {
    if (!vocabulary.contains(bos)) {
      throw bad_input("cannot load the tokenizer of " + folder.string())
          .wanted("the beginning-of-text token in vocab.json")
          .found(excerpt(bos));
    }
    spec["post_processor"] = {
        {"type", "TemplateProcessing"},
        {"single", {{{"SpecialToken", {{"id", bos}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
        {"special_tokens",
         {{bos, {{"id", bos}, {"ids", Json::array({vocabulary.at(bos)})}, {"tokens", Json::array({bos})}}}}}};
  }
  return spec;
}

}  // namespace lethe
