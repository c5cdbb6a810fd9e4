#include "tokenizers/gpt2_files.h"

#include "core/error.h"
#include "core/files.h"
#include "tokenizers/components.h"

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

// Qwen2Tokenizer's pattern.
constexpr const char* kQwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Json byte_level(bool prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", prefix_space}, {"use_regex", use_regex}};
}

std::string model_type_of(const Json& config) {
  const Json type = config.is_object() ? config.value("model_type", Json()) : Json();
  return type.is_string() ? type.get<std::string>() : "";
}

// The class that reads the files. Source: AutoTokenizer of transformers 5.23: the named one, unless the family is known
// to name a wrong one; the family's if none is named.
std::string class_of(const SideFiles& files, const Json& config) {
  const std::string type = model_type_of(config), &named = files.tokenizer_class;
  const bool generic = named.empty() || named == "PreTrainedTokenizer" || named == "TokenizersBackend";
  if (type == "qwen2") return "Qwen2Tokenizer";
  if (!generic) return named;
  if (type.starts_with("qwen")) return "Qwen2Tokenizer";
  if (type == "gpt_neox") return "GPTNeoXTokenizer";
  if (type == "roberta" || type == "bart") return "RobertaTokenizer";
  return "GPT2Tokenizer";
}

ByteLevelClass byte_level_class(const std::filesystem::path& folder, const SideFiles& files, const Json& config) {
  const bool opt = model_type_of(config) == "opt";
  const std::string name = class_of(files, config), end = opt ? "</s>" : "<|endoftext|>";
  const bool prefix_space = component_flag(files.settings, "add_prefix_space", false);
  ByteLevelClass made;
  made.special = {{"bos_token", end}, {"eos_token", end}, {"unk_token", end}};
  made.pre_tokenizer = byte_level(prefix_space, true);
  if (name == "GPT2Tokenizer" || name == "CodeGenTokenizer") return made;
  if (name == "GPTNeoXTokenizer") {
    made.special.emplace_back("pad_token", "<|padding|>");
    made.normalizer = {{"type", "NFC"}};
    return made;
  }
  if (name == "Qwen2Tokenizer") {
    made.special = {{"eos_token", end}, {"unk_token", end}, {"pad_token", end}};
    made.normalizer = {{"type", "NFC"}};
    made.pre_tokenizer = {
        {"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"}, {"pattern", {{"Regex", kQwen2Words}}}, {"behavior", "Isolated"}, {"invert", false}},
          byte_level(prefix_space, false)}}};
    made.resets_special = true;
    return made;
  }
  if (name == "RobertaTokenizer" || name == "BartTokenizer" || name == "LongformerTokenizer" ||
      name == "LEDTokenizer") {
    made.special = {{"bos_token", "<s>"},   {"eos_token", "</s>"}, {"unk_token", "<unk>"},  {"sep_token", "</s>"},
                    {"pad_token", "<pad>"}, {"cls_token", "<s>"},  {"mask_token", "<mask>"}};
    made.roberta = true;
    return made;
  }
  throw bad_input("cannot load the tokenizer of " + folder.string())
      .wanted(
          "tokenizer.json, or vocab.json and merges.txt of GPT2Tokenizer, Qwen2Tokenizer, CodeGenTokenizer, "
          "GPTNeoXTokenizer or RobertaTokenizer")
      .found("vocab.json and merges.txt of " + excerpt(name))
      .hint("AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes tokenizer.json");
}

Json roberta_processor(const SideFiles& files, const ByteLevelClass& made, const Json& vocabulary,
                       const std::filesystem::path& folder) {
  const auto special = [&](const char* key) {
    const std::string name = special_token_content(files, made.special, key);
    if (!vocabulary.contains(name)) {
      throw bad_input("cannot load the tokenizer of " + folder.string())
          .wanted(std::string("its ") + key + " in vocab.json")
          .found(excerpt(name));
    }
    return Json::array({name, vocabulary.at(name)});
  };
  return {{"type", "RobertaProcessing"},
          {"sep", special("sep_token")},
          {"cls", special("cls_token")},
          {"trim_offsets", component_flag(files.settings, "trim_offsets", true)},
          {"add_prefix_space", component_flag(files.settings, "add_prefix_space", false)}};
}

}  // namespace

Json tokenizer_of_gpt2_files(const std::filesystem::path& folder, const SideFiles& files, const Json& config) {
  const ByteLevelClass made = byte_level_class(folder, files, config);
  const Json vocabulary = read_json(folder / "vocab.json");
  Json added = added_tokens_of(files, made.special);
  for (Json& token : added) {
    if (!made.resets_special || token.at("special") != true) continue;
    token = {{"content", token.at("content")}, {"normalized", false}, {"special", true}};
  }
  const bool opt = model_type_of(config) == "opt";
  const Json processor = made.roberta
                             ? roberta_processor(files, made, vocabulary, folder)
                             : begin_and_end_processor(files, made.special, vocabulary, added, opt, folder.string());
  return {{"normalizer", made.normalizer},
          {"pre_tokenizer", made.pre_tokenizer},
          {"post_processor", processor},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", read_merges(folder / "merges.txt")}}},
          {"added_tokens", added}};
}

std::string end_of_gpt2_files(const std::filesystem::path& folder, const SideFiles& files, const Json& config) {
  return special_token_content(files, byte_level_class(folder, files, config).special, "eos_token");
}

}  // namespace lethe
