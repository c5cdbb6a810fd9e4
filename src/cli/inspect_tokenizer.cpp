// Summarises a tokenizer.json by counting while parsing. Building a tokenizer of 17 MB would take longer than the rest
// of `lethe inspect`.
#include "cli/inspection.h"
#include "core/error.h"
#include "core/mapped_file.h"
#include "tokenizers/tokenizer.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

class TokenizerCounter : public nlohmann::json_sax<Json> {
 public:
  std::string kind;
  std::uint64_t vocabulary = 0, added = 0, merges = 0;

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool string(string_t& text) override {
    if (depth_ == 2 && part_ == "model" && inner_ == "type") kind = text;
    return value();
  }
  bool key(string_t& name) override {
    if (depth_ == 1) part_ = name;
    if (depth_ == 2) inner_ = name;
    return true;
  }
  bool start_object(std::size_t) override {
    value();
    ++depth_;
    return depth_ < 100;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    value();
    ++depth_;
    return depth_ < 100;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool value() {
    if (depth_ == 3 && part_ == "model" && inner_ == "vocab") ++vocabulary;
    if (depth_ == 3 && part_ == "model" && inner_ == "merges") ++merges;
    if (depth_ == 2 && part_ == "added_tokens") ++added;
    return true;
  }
  int depth_ = 0;
  std::string part_, inner_;
};

}  // namespace

OrderedJson inspect_tokenizer(const fs::path& folder) {
  if (fs::exists(folder / "tokenizer.json")) {
    TokenizerCounter counter;
    const MappedFile file(folder / "tokenizer.json");
    const auto* text = reinterpret_cast<const char*>(file.bytes().data());
    if (!Json::sax_parse(text, text + file.bytes().size(), &counter))
      return {{"file", "tokenizer.json"}, {"kind", "broken"}};
    return {{"file", "tokenizer.json"},         {"kind", counter.kind.empty() ? "BPE" : counter.kind},
            {"vocabulary", counter.vocabulary}, {"merges", counter.merges},
            {"added_tokens", counter.added},    {"bytes", file.bytes().size()}};
  }
  const bool pair = fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt");
  if (!pair && !fs::exists(folder / "tokenizer.model")) return nullptr;
  try {
    return {{"file", pair ? "vocab.json, merges.txt" : "tokenizer.model"},
            {"kind", pair ? "BPE" : "SentencePiece"},
            {"vocabulary", Tokenizer::load(folder).size()}};
  } catch (const Error& error) {
    return {{"kind", "not supported"}, {"reason", error.what()}};
  }
}

}  // namespace lethe
