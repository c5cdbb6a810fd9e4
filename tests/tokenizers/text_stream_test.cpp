// Parts of a stream are whole characters, and joined they give the text.
#include "tokenizers/text_stream.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "core/files.h"
#include "core/json.h"
#include "core/random.h"
#include "core/utf8.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

// The demo's tokenizer is byte-level; this one falls back to bytes, as SentencePiece models do.
fs::path byte_fallback() {
  Json vocabulary = {{"<unk>", 0}};
  const auto add = [&](const std::string& piece) { vocabulary.emplace(piece, vocabulary.size()); };
  for (int byte = 0; byte < 256; ++byte) {
    char piece[8];
    std::snprintf(piece, sizeof piece, "<0x%02X>", byte);
    add(piece);
  }
  add("\u2581");
  for (char letter = 'a'; letter <= 'z'; ++letter) add(std::string(1, letter));
  Json tokenizer = parse_json(R"({"version": "1.0", "added_tokens": [],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                   {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
    "pre_tokenizer": null, "post_processor": null,
    "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true, "merges": []}})",
                              "tokenizer");
  tokenizer["model"]["vocab"] = vocabulary;
  const fs::path folder = fs::path(testing::TempDir()) / "lethe_byte_fallback";
  fs::create_directories(folder);
  write_file(folder / "tokenizer.json", tokenizer.dump());
  return folder;
}

std::vector<fs::path> folders() {
  return {fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo", byte_fallback()};
}

std::string streamed(const Tokenizer& tokenizer, const std::vector<int>& ids) {
  TextStream stream(tokenizer);
  std::string text;
  const auto take = [&](const std::string& piece) {
    EXPECT_EQ(valid_utf8(piece), piece);
    text += piece;
  };
  for (const int id : ids) take(stream.add(id));
  take(stream.finish());
  return text;
}

TEST(TextStream, JoinsToWhatTheWholeDecodesTo) {
  for (const fs::path& folder : folders()) {
    const Tokenizer tokenizer = Tokenizer::load(folder);
    for (const char* text :
         {"Where does Mira live?", "日本語 😀 é\u0301 naïve", "  two  spaces\n\nlines\ttab", "", "\uFFFD"}) {
      const std::vector<int> ids = tokenizer.encode(text, false).ids;
      EXPECT_EQ(streamed(tokenizer, ids), tokenizer.decode(ids)) << folder << " " << text;
    }
  }
}

TEST(TextStream, JoinsLongTextsToWhatTheWholeDecodesTo) {
  std::vector<fs::path> all = folders();
  for (const char* name : {"byte_level", "roberta", "prepend_replace", "metaspace", "bert_uncased", "bert_cased",
                           "unigram", "word_level", "word_ends", "sentencepiece"})
    all.push_back(fs::path(LETHE_FIXTURES) / "tokenizers" / name);
  for (const fs::path& folder : all) {
    const Tokenizer tokenizer = Tokenizer::load(folder);
    RandomStream random(7, "long text stream", 0);
    for (int run = 0; run < 4; ++run) {
      std::string text;
      while (text.size() < 3000) {
        static constexpr const char* kParts[] = {"the house ", "日本語", "😀",       " é\u0301",
                                                 "   ",        "\n\n",   "won't .", "a"};
        text += kParts[random.below(run == 3 ? 3 : 8)];
      }
      const std::vector<int> ids = tokenizer.encode(text, run == 1).ids;
      EXPECT_EQ(streamed(tokenizer, ids), tokenizer.decode(ids)) << folder;
    }
  }
}

TEST(TextStream, TakesTimeInProportionToItsTokens) {
  const Tokenizer tokenizer = Tokenizer::load(folders()[0]);
  for (const char* text : {"a house ", "\xF0\x9F"}) {  // the second: bytes that never become a character
    const std::vector<int> some = tokenizer.encode(text, false).ids;
    std::vector<int> ids;
    while (ids.size() < 10'000) ids.insert(ids.end(), some.begin(), some.end());
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(streamed(tokenizer, ids), tokenizer.decode(ids));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  }
}

TEST(TextStream, HoldsBackPartsOfACharacter) {
  const Tokenizer tokenizer = Tokenizer::load(folders()[0]);
  const std::vector<int> ids = tokenizer.encode("😀", false).ids;
  ASSERT_GT(ids.size(), 3U);  // its bytes
  TextStream stream(tokenizer);
  std::vector<std::string> pieces;
  for (const int id : ids) pieces.push_back(stream.add(id));
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_TRUE(pieces[i].empty() || pieces[i] == " ") << i;
  EXPECT_NE(pieces.back().find("😀"), std::string::npos);
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, BytesThatAreNoCharacterEndAsUnknownOnes) {
  const Tokenizer tokenizer = Tokenizer::load(folders()[0]);
  RandomStream random(7, "text stream", 0);
  for (int run = 0; run < 50; ++run) {
    std::vector<int> ids;
    for (int i = 0; i < 40; ++i)
      ids.push_back(static_cast<int>(random.uniform() * static_cast<float>(tokenizer.size())));
    EXPECT_EQ(streamed(tokenizer, ids), tokenizer.decode(ids));
  }
}

}  // namespace
}  // namespace lethe
