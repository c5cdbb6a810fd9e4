#include "tokenizers/bert_files.h"

#include <map>

#include "core/error.h"
#include "core/files.h"
#include "tokenizers/components.h"

namespace lethe {
namespace {

// One token per line; its id is the line number, from 0.
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

Json tokenizer_of_bert_files(const std::filesystem::path& folder, const SideFiles& files) {
  static const SpecialDefaults kSpecial = {{"unk_token", "[UNK]"},
                                           {"sep_token", "[SEP]"},
                                           {"pad_token", "[PAD]"},
                                           {"cls_token", "[CLS]"},
                                           {"mask_token", "[MASK]"}};
  const Json& flags = files.settings;
  const Json vocabulary = read_vocabulary_lines(folder / "vocab.txt");
  std::map<std::string, std::string> names;
  for (const char* key : {"unk_token", "sep_token", "cls_token"}) {
    std::string name = special_token_content(files, kSpecial, key);
    if (!vocabulary.contains(name)) {
      throw bad_input("cannot load the tokenizer of " + folder.string())
          .wanted(excerpt(name) + " in vocab.txt")
          .hint(std::string("name the token that stands there as ") + key + " in tokenizer_config.json");
    }
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
               {"added_tokens", added_tokens_of(files, kSpecial)}};
  return spec;
}

}  // namespace lethe
