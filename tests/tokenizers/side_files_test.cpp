// Vocabulary files with side files and no tokenizer.json, compared with transformers
// (tools/fixtures/side_files.py).
#include "tokenizers/side_files.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "folder_test.h"
#include "tokenizers/tokenizer.h"

namespace lethe {
namespace {

const fs::path kTokenizers = fs::path(LETHE_FIXTURES) / "tokenizers";

class SideFilesTest : public FolderTest {
 protected:
  const Json fixture_ = read_json(kTokenizers / "side_files.json");

  // The case's folder.
  fs::path written(const Json& made) {
    const auto base = made.at("base").get<std::string>();
    const fs::path folder = folder_ / made.at("name").get<std::string>();
    fs::create_directories(folder);
    if (base == "sentencepiece") fs::copy(kTokenizers / base / "tokenizer.model", folder);
    const Json files = fixture_.at("bases").value(base, Json::object());
    for (const auto& [name, text] : files.items()) write_file(folder / name, text.get<std::string>());
    for (const auto& [name, json] : made.at("files").items()) write_file(folder / name, dump_json(json));
    return folder;
  }
  fs::path written(const std::string& base, const Json& files) {
    return written({{"base", base}, {"name", "own"}, {"files", files}});
  }
};

TEST_F(SideFilesTest, OfOlderTokenizersGiveWhatTransformersGives) {
  ASSERT_GE(fixture_.at("cases").size(), 20U);
  for (const Json& made : fixture_.at("cases")) {
    const std::string name = made.at("name").get<std::string>();
    const Tokenizer tokenizer = Tokenizer::load(written(made));
    for (const Json& row : made.at("rows")) {
      const auto text = row.at("text").get<std::string>();
      const Encoding found = tokenizer.encode(text);
      EXPECT_EQ(Json(found.ids), row.at("ids")) << name << ": " << text;
      EXPECT_EQ(tokenizer.decode(found.ids), row.at("decoded").get<std::string>()) << name << ": " << text;
      ASSERT_EQ(found.offsets.size(), found.ids.size());
      for (const auto& [begin, end] : found.offsets) EXPECT_LE(end, text.size()) << name;
    }
    if (made.at("eos").is_string() && tokenizer.eos()) {
      EXPECT_EQ(tokenizer.token(*tokenizer.eos()), made.at("eos").get<std::string>()) << name;
    }
  }
}

TEST_F(SideFilesTest, SpecialTokensWithinAChatsTextsStayText) {
  const Json added = {{"added_tokens.json", {{"<|im_start|>", 340U}}},
                      {"tokenizer_config.json", {{"additional_special_tokens", {"<|im_end|>"}}}}};
  const Tokenizer tokenizer = Tokenizer::load(written("sentencepiece", added));
  ASSERT_TRUE(tokenizer.finds_special());
  const std::string text = "<s>a<|im_end|>";
  const ByteRange given[] = {{0, text.size()}};
  const std::vector<int> ids = tokenizer.encode(text, {.add_special = false, .plain = given}).ids;
  for (const int id : ids) EXPECT_FALSE(tokenizer.is_special(id)) << id;
  EXPECT_EQ(tokenizer.decode(ids), text);
  EXPECT_EQ(tokenizer.encode(text, false).ids.size(), 3U);
}

TEST_F(SideFilesTest, ATextThatBeginsWithASpaceGetsTheOneOfSentencePieceToo) {
  const Json named = {{"tokenizer_config.json", {{"tokenizer_class", "LlamaTokenizer"}, {"add_bos_token", true}}}};
  const Tokenizer tokenizer = Tokenizer::load(written("sentencepiece", named));
  EXPECT_EQ(tokenizer.encode(" hello").ids, (std::vector<int>{1, 317, 270}));  // as in the sentencepiece library
  EXPECT_EQ(tokenizer.encode("hello").ids, (std::vector<int>{1, 270}));
  EXPECT_EQ(tokenizer.encode(" ").ids, (std::vector<int>{1, 317, 317}));
}

TEST_F(SideFilesTest, AClassThatLetheDoesNotKnowIsRefusedByName) {
  const auto refused = [&](const Json& config) {
    return refusal_of([&] { Tokenizer::load(written("byte_level", {{"tokenizer_config.json", config}})); });
  };
  EXPECT_NE(refused({{"tokenizer_class", "DebertaTokenizer"}}).find("DebertaTokenizer"), std::string::npos);
  EXPECT_NE(refused({{"tokenizer_class", "RobertaTokenizer"}, {"sep_token", "<none>"}}).find("<none>"),
            std::string::npos);
}

TEST_F(SideFilesTest, BrokenOnesAreRefusedByName) {
  const auto refused = [&](const char* file, const Json& json) {
    const std::string message = refusal_of([&] { Tokenizer::load(written("byte_level", {{file, json}})); });
    EXPECT_NE(message.find(file), std::string::npos) << message;
  };
  refused("added_tokens.json", {{"<x>", -1}});
  refused("added_tokens.json", {{"<x>", "1"}});
  refused("added_tokens.json", Json::array({"<x>"}));
  refused("tokenizer_config.json", {{"added_tokens_decoder", {{"one", {{"content", "<x>"}}}}}});
  refused("tokenizer_config.json", {{"added_tokens_decoder", {{"1", {{"special", true}}}}}});
}

}  // namespace
}  // namespace lethe
