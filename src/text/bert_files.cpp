#include "text/bert_files.h"

#include <map>

#include "core/error.h"
#include "core/files.h"
#include "text/components.h"
#include "text/gpt2_files.h"

namespace lethe {
namespace {

// A token a line; its id is the number of the line, from 0.
Json read_vocabulary_lines(const std::filesystem::path& file) {
  const std::string text = valid_utf8(read_file(file));
  Json vocabulary = Json::object();
  unsigned id = 0;
  for (std::size_t at = 0; at < text.size(); ++id) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string token = text.substr(at, end - at);
    if (token.ends_with('\r')) token.pop_back();
    vocabulary[token] = id;
    at = end + 1;
  }
  return vocabulary;
}

}  // namespace

Json tokenizer_of_bert_files(const std::filesystem::path& folder, const Json& settings) {
  const Json flags = settings.is_object() ? settings : Json::object();
  const Json vocabulary = read_vocabulary_lines(folder / "vocab.txt");
  std::map<std::string, std::string> names;
  std::map<unsigned, Json> added;
  for (const auto& [key, usual] :
       {std::pair("unk_token", "[UNK]"), std::pair("sep_token", "[SEP]"), std::pair("pad_token", "[PAD]"),
        std::pair("cls_token", "[CLS]"), std::pair("mask_token", "[MASK]")}) {
    std::string name = special_token_content(settings, key);
    if (name.empty()) name = usual;
    if (!vocabulary.contains(name)) {
      if (std::string_view(key) == "pad_token" || std::string_view(key) == "mask_token") continue;
      throw bad_input("cannot load the tokenizer of " + folder.string())
          .wanted(excerpt(name) + " in vocab.txt")
          .hint(std::string("name the token that stands there as ") + key + " in tokenizer_config.json");
    }
    const auto id = vocabulary.at(name).get<unsigned>();
    added[id] = {{"id", id}, {"content", name}, {"normalized", false}, {"special", true}};
    names[key] = std::move(name);
  }
  const auto special = [&](const char* key, int type) {
    return Json{{"SpecialToken", {{"id", names.at(key)}, {"type_id", type}}}};
  };
  const auto text = [](const char* id, int type) { return Json{{"Sequence", {{"id", id}, {"type_id", type}}}}; };
  Json tokens = Json::object();
  for (const char* key : {"cls_token", "sep_token"}) {
    const std::string& name = names.at(key);
    tokens[name] = {{"id", name}, {"ids", Json::array({vocabulary.at(name)})}, {"tokens", Json::array({name})}};
  }
  Json spec = {{"normalizer",
                {{"type", "BertNormalizer"},
                 {"clean_text", true},
                 {"handle_chinese_chars", component_flag(flags, "tokenize_chinese_chars", true)},
                 {"strip_accents", flags.contains("strip_accents") ? flags.at("strip_accents") : Json()},
                 {"lowercase", component_flag(flags, "do_lower_case", true)}}},
               {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
               {"post_processor",
                {{"type", "TemplateProcessing"},
                 {"single", Json::array({special("cls_token", 0), text("A", 0), special("sep_token", 0)})},
                 {"pair", Json::array({special("cls_token", 0), text("A", 0), special("sep_token", 0), text("B", 1),
                                       special("sep_token", 1)})},
                 {"special_tokens", tokens}}},
               {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
               {"model", {{"type", "WordPiece"}, {"unk_token", names.at("unk_token")}, {"vocab", vocabulary}}},
               {"added_tokens", Json::array()}};
  for (const auto& [id, token] : added) spec["added_tokens"].push_back(token);
  return spec;
}

}  // namespace lethe
